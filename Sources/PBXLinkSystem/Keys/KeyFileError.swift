// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc

/// Why a key file was not read or written. None shows any of a key.
public enum KeyFileError: Error, Hashable, Sendable {
  /// A name other than lower-case letters, digits and hyphens.
  case badName(String)
  /// A key of that name is there and stays.
  case exists(path: String)
  /// A key that a site must have is not there.
  case missing(path: String)
  /// Others than the owner have rights on it.
  case looseMode(path: String, mode: UInt32, remedy: String)
  /// Another user owns it.
  case foreignOwner(path: String, owner: UInt32)
  /// Not a regular file, or not a directory.
  case wrongType(path: String)
  /// Not the length of a key.
  case wrongLength(path: String, found: Int, expected: Int)
  /// A system call failed.
  case system(call: String, path: String, code: Int32)
}

extension KeyFileError: CustomStringConvertible, ExitCoded {
  /// By sysexits.h.
  public var exitCode: ExitCode {
    switch self {
    case .looseMode, .foreignOwner: .noPermission
    case .missing: .noInput
    case .wrongLength, .wrongType: .dataError
    case .badName, .exists: .software
    case .system: .osFile
    }
  }

  /// What is wrong with which file, and what to do.
  public var description: String {
    switch self {
    case .badName(let name): "'\(name)' is no name for a key file: use a-z, 0-9 and hyphens"
    case .exists(let path): "\(path) exists and is not overwritten; move it away if it is really not needed"
    case .missing(let path):
      "\(path) is missing; restore it from a backup, or run 'pbxlink uninstall' and join again"
    case .looseMode(let path, let mode, let remedy):
      "\(path) has mode \(String(mode, radix: 8)) and may have been read by others; run 'chmod \(remedy) "
        + "\(path)', and make new keys if other users work on this machine"
    case .foreignOwner(let path, let owner):
      "\(path) belongs to user \(owner), not to the user of this process (\(geteuid())); run pbxlink as its "
        + "owner, or change the owner with chown"
    case .wrongType(let path): "\(path) is neither a plain key file nor a directory of them; move it away"
    case .wrongLength(let path, let found, let expected):
      "\(path) has \(found) bytes, and a key has \(expected); restore the file from a backup, or move it away "
        + "and join again"
    case .system(let call, let path, let code):
      "\(call) \(path): \(String(cString: strerror(code)))"
    }
  }
}
