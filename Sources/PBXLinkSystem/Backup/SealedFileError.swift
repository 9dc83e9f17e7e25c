// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc

/// Why a file that a pass phrase protects was not written or read. Nothing was changed.
public enum SealedFileError: Error, Hashable, Sendable {
  case exists(path: String)
  case tooLarge(bytes: Int)
  case notSealed(path: String)
  case newer(path: String)
  case wrongKind(path: String, found: String, expected: String)
  case badHeader(path: String)
  case truncated(path: String, missing: Int?)
  case altered(path: String)
  case wrongPassphrase(path: String)
  case badContent(path: String, detail: String)
  case passphraseTooShort
  case noTerminal
  case passphraseNotRead(path: String, detail: String)
  case system(call: String, path: String, code: Int32)
}

extension SealedFileError: CustomStringConvertible, ExitCoded {
  /// What is wrong with which file, and what to do.
  public var description: String {
    switch self {
    case .exists(let path): "\(path) exists and is not overwritten. Choose another name, or add --force."
    case .tooLarge(let bytes):
      "\(bytes) bytes are more than such a file can hold (\(SealedFile.sizeLimit)). Is something foreign in the state "
        + "directory?"
    case .notSealed(let path): "\(path) is no file that pbxlink protects with a pass phrase."
    case .newer(let path): "\(path) was made by a newer pbxlink. Install that version; nothing was changed."
    case .wrongKind(let path, let found, let expected): "\(path) holds '\(found)', not '\(expected)'."
    case .badHeader(let path):
      "\(path): its second line is damaged or asks for more than pbxlink gives. Take another copy of the file."
    case .truncated(let path, let missing):
      "\(path) is cut off" + (missing.map { ": \($0) bytes are missing" } ?? "")
        + ". Take another copy of the file."
    case .altered(let path):
      "\(path) was altered or damaged; the pass phrase is right. Take another copy of the file."
    case .wrongPassphrase(let path):
      "The pass phrase does not open \(path). Is it that of another file? (Damage in the file's second line looks the "
        + "same.)"
    case .badContent(let path, let detail): "\(path) opens, but its content is not understood: \(detail)."
    case .passphraseTooShort:
      "A pass phrase has at least \(Passphrase.minimumLength) characters. Four or five random words are a good one."
    case .noTerminal:
      "There is no terminal to ask for the pass phrase on: use --passphrase-file FILE, or - for stdin."
    case .passphraseNotRead(let path, let detail): "The pass phrase cannot be read from \(path): \(detail)."
    case .system(let call, let path, let code): "\(call) \(path): \(String(cString: strerror(code)))"
    }
  }

  /// By sysexits.h.
  public var exitCode: ExitCode {
    switch self {
    case .exists: .cannotCreate
    case .wrongPassphrase: .noPermission
    case .newer: .configuration
    case .passphraseTooShort, .noTerminal: .usage
    case .passphraseNotRead: .noInput
    case .tooLarge, .notSealed, .wrongKind, .badHeader, .truncated, .altered, .badContent: .dataError
    case .system(_, _, ENOENT): .noInput
    case .system(_, _, EACCES), .system(_, _, EPERM): .noPermission
    case .system: .ioError
    }
  }
}
