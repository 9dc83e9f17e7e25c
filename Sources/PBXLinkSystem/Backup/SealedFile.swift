// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import PBXLinkCore

/// A file that only a pass phrase opens: a line with name and version, a line of JSON that says how the key
/// follows from the pass phrase, the content in AES-256-GCM, its tag. Both lines are authenticated too.
///
/// The key is scrypt's (RFC 7914), so a guess costs 64 MiB and some tenths of a second. A weak pass phrase
/// stays weak.
enum SealedFile {
  /// What is in the file, so that one kind is not taken for another.
  enum Kind: String, Codable { case backup, authority }

  static let magic = "pbxlink sealed file "
  private static let version = "1"
  /// Largest content, in bytes: the state of thousands of sites is a tenth of it.
  static let sizeLimit = 256 << 20
  private static let headerLimit = 1024

  /// How the keys follow from the pass phrase, and what they must show.
  struct Header: Codable, Equatable {
    var kind: String
    var kdf = "scrypt"
    var n: UInt64
    var r: UInt64
    var p: UInt64
    var salt: String
    var nonce: String
    /// Half of what scrypt gives: it tells a wrong pass phrase from an altered content, and lets no second pass
    /// phrase open the same file.
    var check: String
    /// Bytes of the content.
    var length: Int
  }

  /// The bytes of a file with some content.
  static func seal(
    _ content: [UInt8], as kind: Kind, with passphrase: Passphrase, cost: ScryptCost = .standard
  ) throws -> [UInt8] {
    guard content.count <= sizeLimit else { throw SealedFileError.tooLarge(bytes: content.count) }
    let salt = try RandomBytes.secret(16).exposedBytes
    let nonce = try RandomBytes.secret(AES256GCM.nonceLength).exposedBytes
    let keys = try Keys(passphrase, salt: salt, cost)
    let header = Header(
      kind: kind.rawValue, n: cost.n, r: cost.r, p: cost.p, salt: Base64URL.encode(salt),
      nonce: Base64URL.encode(nonce), check: keys.check, length: content.count)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let lines = Array("\(magic)\(version)\n".utf8) + Array(try encoder.encode(header)) + [0x0a]
    return lines + (try AES256GCM.seal(content, key: keys.content, nonce: nonce, authenticating: lines))
  }

  /// The content of a file; `path` names it in errors. All of it or an error, never a part.
  static func open(
    _ file: [UInt8], as kind: Kind, with passphrase: Passphrase, path: String
  ) throws -> [UInt8] {
    let (header, lines, sealed) = try parse(file, path: path)
    guard header.kind == kind.rawValue else {
      throw SealedFileError.wrongKind(path: path, found: header.kind, expected: kind.rawValue)
    }
    let cost = ScryptCost(n: header.n, r: header.r, p: header.p)
    guard header.kdf == "scrypt", cost.isAcceptable,
      let salt = Base64URL.decode(header.salt), salt.count >= 16,
      let nonce = Base64URL.decode(header.nonce), nonce.count == AES256GCM.nonceLength,
      (0...sizeLimit).contains(header.length)
    else { throw SealedFileError.badHeader(path: path) }
    let expected = header.length + AES256GCM.tagLength
    guard sealed.count >= expected else {
      throw SealedFileError.truncated(path: path, missing: expected - sealed.count)
    }
    guard sealed.count == expected else { throw SealedFileError.altered(path: path) }
    let keys = try Keys(passphrase, salt: salt, cost)
    guard keys.check == header.check else { throw SealedFileError.wrongPassphrase(path: path) }
    guard
      let content = try AES256GCM.open(
        Array(sealed), key: keys.content, nonce: nonce, authenticating: Array(lines))
    else { throw SealedFileError.altered(path: path) }
    return content
  }

  private static func parse(
    _ file: [UInt8], path: String
  ) throws -> (header: Header, lines: ArraySlice<UInt8>, sealed: ArraySlice<UInt8>) {
    guard file.starts(with: Array(magic.utf8)) else { throw SealedFileError.notSealed(path: path) }
    let start = file.prefix(headerLimit)
    guard let first = start.firstIndex(of: 0x0a),
      let second = start[(first + 1)...].firstIndex(of: 0x0a)
    else {
      throw file.count < headerLimit
        ? SealedFileError.truncated(path: path, missing: nil) : .badHeader(path: path)
    }
    guard file[magic.utf8.count..<first].elementsEqual(version.utf8) else {
      throw SealedFileError.newer(path: path)
    }
    do {
      let header = try JSONDecoder().decode(Header.self, from: Data(file[(first + 1)..<second]))
      return (header, file[...second], file[(second + 1)...])
    } catch {
      throw SealedFileError.badHeader(path: path)
    }
  }

  private struct Keys {
    let content: Secret
    let check: String

    init(_ passphrase: Passphrase, salt: [UInt8], _ cost: ScryptCost) throws {
      let bytes = try Scrypt.derive(passphrase.secret, salt: salt, cost, length: 64).exposedBytes
      content = Secret(bytes.prefix(32))
      check = Base64URL.encode(Array(bytes.suffix(32)))
    }
  }
}
