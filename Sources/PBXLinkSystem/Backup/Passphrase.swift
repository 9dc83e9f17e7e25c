// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
internal import Glibc
internal import PBXLinkCore

/// What opens a sealed file.
public struct Passphrase: Sendable {
  let secret: Secret

  /// The fewest characters of a new one.
  public static let minimumLength = 10

  init(_ text: String) { secret = Secret(Array(text.utf8)) }

  /// A pass phrase from a file's first line ("-" is standard input), or asked for at the terminal without echo; a
  /// new one is asked for twice and must be long enough.
  public static func read(from file: String?, isNew: Bool) throws -> Passphrase {
    let text = try file.map(firstLine) ?? ask(isNew: isNew)
    guard !isNew || text.count >= minimumLength else { throw SealedFileError.passphraseTooShort }
    return Passphrase(text)
  }

  private static func firstLine(of file: String) throws -> String {
    let line =
      file == "-"
      ? readLine()
      : String(
        validating: try PrivateFile.read(file, limit: fileLimit).prefix { $0 != 0x0a }, as: UTF8.self)
    guard let line, !line.isEmpty else {
      throw SealedFileError.passphraseNotRead(path: file, detail: "its first line is empty, or no UTF-8 text")
    }
    return line.last == "\r" ? String(line.dropLast()) : line
  }

  private static let fileLimit = 1 << 16
  private static let limit = 1024

  /// OpenSSL asks at the terminal, and gives it back as it was, also when a signal comes.
  private static func ask(isNew: Bool) throws -> String {
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
    guard terminal >= 0 else { throw SealedFileError.noTerminal }
    close(terminal)
    var bytes = [CChar](repeating: 0, count: limit)
    let prompt = isNew ? "New pass phrase (at least \(minimumLength) characters): " : "Pass phrase: "
    guard
      EVP_read_pw_string_min(
        &bytes, isNew ? Int32(minimumLength) : 1, Int32(limit - 1), prompt, isNew ? 1 : 0) == 0
    else {
      ERR_clear_error()
      throw SealedFileError.passphraseNotRead(
        path: "the terminal", detail: isNew ? "too short, or not twice the same" : "nothing was typed")
    }
    let text = bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    return String(decoding: text, as: UTF8.self)
  }
}
