// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The kinds of document; a part of the header's `typ`.
public enum DocumentKind: String, Hashable, Sendable, CaseIterable {
  case membership, descriptor, revocations, invitation, request, answer, charter, succession
}

/// A JWS in compact serialisation (RFC 7515 §7.1), signed with Ed25519 (RFC 8037), in the one form that
/// documents have. Its header leaves nothing to choose: it is compared byte for byte.
public struct JWS: Hashable, Sendable {
  /// The size over which a document is refused unread, in bytes.
  public static let sizeLimit = 16_384

  /// The kind that the header names; not necessarily a ``DocumentKind``.
  public let kind: String
  /// The thumbprint of the key that the header says signed.
  public let keyID: String
  /// The payload before its signature was checked: good for nothing but finding out who should have signed.
  let unverifiedPayload: [UInt8]
  private let signature: [UInt8]
  private let signingInput: [UInt8]

  /// Takes a document apart without checking its signature.
  public init(_ text: String) throws(DocumentError) {
    guard text.utf8.count <= Self.sizeLimit else { throw .tooLarge(bytes: text.utf8.count) }
    let bytes = Array(text.utf8)
    let parts = bytes.split(separator: 0x2e, omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .notJWS(reason: "\(parts.count) parts between dots, 3 expected") }
    guard let header = Base64URL.decode(parts[0]) else { throw .notJWS(reason: "header not base64url") }
    guard let (kind, keyID) = Self.parse(header: header) else { throw .badHeader }
    guard let payload = Base64URL.decode(parts[1]) else { throw .notJWS(reason: "payload not base64url") }
    guard let signature = Base64URL.decode(parts[2]) else {
      throw .notJWS(reason: "signature not base64url")
    }
    self.kind = kind
    self.keyID = keyID
    self.unverifiedPayload = payload
    self.signature = signature
    self.signingInput = Array(bytes[..<parts[1].endIndex])
  }

  /// The payload, once the signature is known to be this key's over the bytes as received.
  public func payload(
    kind: DocumentKind, signedBy key: PublicKey, using cryptography: any Cryptography
  ) throws(DocumentError) -> [UInt8] {
    guard self.kind == kind.rawValue else { throw .wrongKind(found: self.kind, expected: kind.rawValue) }
    guard keyID == key.thumbprint(using: cryptography) else {
      throw .unknownSigner(kind: kind, keyID: keyID)
    }
    return try payload(kind: kind, named: key, using: cryptography)
  }

  /// The same for a key of which it is known that the header names it.
  func payload(
    kind: DocumentKind, named key: PublicKey, using cryptography: any Cryptography
  ) throws(DocumentError) -> [UInt8] {
    guard self.kind == kind.rawValue else { throw .wrongKind(found: self.kind, expected: kind.rawValue) }
    guard Ed25519.isStrong(key) else { throw .weakKey(key) }
    guard Ed25519.isCanonical(signature: signature),
      cryptography.isValid(signature: signature, of: signingInput, by: key)
    else { throw .badSignature(kind: kind) }
    return unverifiedPayload
  }

  /// What a document says of itself.
  struct Header: Hashable, Sendable {
    let kind: String
    let keyID: String

    /// Whether it says who rules or who is out.
    var isOfTrust: Bool {
      [.revocations, .succession, .charter].contains(DocumentKind(rawValue: kind))
    }
  }

  /// The header alone, of which nothing is proven. Nothing else is looked at.
  static func header(of text: String) -> Header? {
    // The header of the longest kind's name.
    let longest = 256
    let start = Array(text.utf8.prefix(longest))
    guard let dot = start.firstIndex(of: 0x2e), let header = Base64URL.decode(start[..<dot]) else {
      return nil
    }
    return parse(header: header).map { Header(kind: $0.kind, keyID: $0.keyID) }
  }

  /// The kind that the header of a text names; nil when it names none.
  static func kind(of text: String) -> DocumentKind? {
    header(of: text).flatMap { DocumentKind(rawValue: $0.kind) }
  }

  /// Takes a document apart, checks it and gives its payload.
  public static func verify(
    _ text: String, kind: DocumentKind, by key: PublicKey, using cryptography: any Cryptography
  ) throws(DocumentError) -> [UInt8] {
    try JWS(text).payload(kind: kind, signedBy: key, using: cryptography)
  }

  /// Signs a payload; throws ``DocumentError/tooLarge(bytes:)`` for what nobody would accept, and what the
  /// signer throws.
  public static func sign(
    payload: [UInt8], kind: DocumentKind, by signer: any Signer, using cryptography: any Cryptography
  ) throws -> String {
    let keyID = signer.publicKey.thumbprint(using: cryptography)
    let header = headerStart + keyID + headerMiddle + kind.rawValue + headerEnd
    let input = Base64URL.encode(header.utf8) + "." + Base64URL.encode(payload)
    let text = input + "." + Base64URL.encode(try signer.sign(Array(input.utf8)))
    guard text.utf8.count <= sizeLimit else { throw DocumentError.tooLarge(bytes: text.utf8.count) }
    return text
  }

  private static let headerStart = #"{"alg":"EdDSA","kid":""#
  private static let headerMiddle = #"","typ":"pbxlink-"#
  private static let headerEnd = #"+jws"}"#
  /// SHA-256 in base64url.
  private static let keyIDLength = 43

  private static func parse(header: [UInt8]) -> (kind: String, keyID: String)? {
    var rest = header[...]
    guard rest.starts(with: headerStart.utf8) else { return nil }
    rest = rest.dropFirst(headerStart.utf8.count)
    let keyID = rest.prefix(keyIDLength)
    rest = rest.dropFirst(keyIDLength)
    let end = rest.suffix(headerEnd.utf8.count)
    guard rest.starts(with: headerMiddle.utf8), end.elementsEqual(headerEnd.utf8) else { return nil }
    let kind = rest.dropFirst(headerMiddle.utf8.count).dropLast(headerEnd.utf8.count)
    guard (1...32).contains(kind.count), kind.allSatisfy({ (0x61...0x7a).contains($0) }),
      Base64URL.decode(keyID)?.count == 32
    else { return nil }
    return (String(decoding: kind, as: UTF8.self), String(decoding: keyID, as: UTF8.self))
  }
}
