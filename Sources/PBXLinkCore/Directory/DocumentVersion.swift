// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Which of two documents on the same subject is the newer one: by serial; between two of one serial, which
/// only a mistake or a fork makes, by hash, so that every site keeps the same one.
public struct DocumentVersion: Hashable, Sendable, Comparable {
  /// The document's serial.
  public let serial: UInt64
  /// SHA-256 of the document as signed, in base64url.
  public let hash: String

  init(serial: UInt64, text: String, using cryptography: any Cryptography) {
    self.init(serial: serial, hash: Self.hash(of: text, using: cryptography))
  }

  init(serial: UInt64, hash: String) {
    self.serial = serial
    self.hash = hash
  }

  /// SHA-256 of a document as signed, in base64url.
  public static func hash(of text: String, using cryptography: any Cryptography) -> String {
    Base64URL.encode(cryptography.sha256(Array(text.utf8)))
  }

  /// The older one first.
  public static func < (left: Self, right: Self) -> Bool {
    left.serial == right.serial ? left.hash < right.hash : left.serial < right.serial
  }
}

extension DocumentVersion: LosslessStringConvertible, CustomStringConvertible, Codable {
  /// Parses "SERIAL.HASH".
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let serial = UInt64(parts[0]), Base64URL.decode(parts[1])?.count == 32 else {
      return nil
    }
    self.serial = serial
    self.hash = String(parts[1])
  }

  /// "SERIAL.HASH".
  public var description: String { "\(serial).\(hash)" }

  /// Decodes the text form.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder) }
  /// Encodes the text form.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

/// A verified document together with the text that others can verify. A reference, because each step of the agent
/// copies its directory.
public final class StoredDocument<Content: Document>: Hashable, Sendable {
  /// What it says.
  public let content: Content
  /// The JWS, byte for byte as received.
  public let text: String
  /// Its place among documents on the same subject.
  public let version: DocumentVersion

  init(content: Content, text: String, version: DocumentVersion) {
    self.content = content
    self.text = text
    self.version = version
  }

  /// By text, from which the rest follows.
  public static func == (left: StoredDocument, right: StoredDocument) -> Bool { left.text == right.text }
  /// By text.
  public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension DocumentVersion: TextCoded {
  static var textKind: String { "a document version (SERIAL.HASH)" }
}
