// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials

/// A payload that is signed: JSON with snake_case keys. Unknown keys are ignored, so that newer sites can talk
/// to older ones; they survive because documents are stored and forwarded as received.
public protocol Document: Codable, Hashable, Sendable {
  /// The kind that its header names.
  static var kind: DocumentKind { get }
  /// Throws when the values, though of the right types, make no valid document.
  func check() throws(DocumentError)
}

extension Document {
  /// The signed document; throws what `check` and the signer throw, and
  /// ``DocumentError/tooLarge(bytes:)``.
  public func signed(by signer: any Signer, using cryptography: any Cryptography) throws -> String {
    try check()
    return try JWS.sign(payload: try payload(), kind: Self.kind, by: signer, using: cryptography)
  }

  /// The document in a signed text, once its signature is known to be this key's.
  public static func verified(
    _ text: String, by key: PublicKey, using cryptography: any Cryptography
  ) throws(DocumentError) -> Self {
    try Self(payload: JWS.verify(text, kind: kind, by: key, using: cryptography))
  }

  /// The JSON to sign: the same bytes for the same values.
  func payload() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self))
  }

  init(payload: [UInt8]) throws(DocumentError) {
    self = try decodePayload(payload, kind: Self.kind)
    try check()
  }

  /// The error for a value that is of the right type but wrong.
  static func invalid(_ key: some CodingKey, _ reason: String) -> DocumentError {
    .badPayload(kind: kind, key: key.stringValue, reason: reason)
  }

  /// JSON numbers are exact to 2^53 - 1 in every reader (RFC 7493 §2.2).
  static func checkSerial(_ serial: UInt64, _ key: some CodingKey) throws(DocumentError) {
    guard (1..<1 << 53).contains(serial) else { throw invalid(key, "\(serial) is not in 1 to 2^53 - 1") }
  }

  static func checkExtensions(_ extensions: [ExtensionPattern]) throws(DocumentError) {
    do { try EmergencyNumbers.standard.check(extensions) } catch { throw .emergencyNumber(kind: kind, error) }
  }
}

private let payloadDecoder = JSONDecoder()

/// Reads JSON; the error names the key at fault.
func decodePayload<Value: Decodable>(
  _ payload: [UInt8], kind: DocumentKind
) throws(DocumentError) -> Value {
  do {
    return try payloadDecoder.decode(Value.self, from: Data(payload))
  } catch let error as DecodingError {
    let (path, reason): ([any CodingKey], String) =
      switch error {
      case .keyNotFound(let key, let context): (context.codingPath + [key], "it is missing")
      case .valueNotFound(_, let context): (context.codingPath, "it is null")
      case .typeMismatch(_, let context): (context.codingPath, context.debugDescription)
      case .dataCorrupted(let context) where context.codingPath.isEmpty:
        // The decoder tells these two apart on Apple's systems only.
        ([], "it is not valid JSON, or a number in it is out of range")
      case .dataCorrupted(let context): (context.codingPath, context.debugDescription)
      @unknown default: ([], "\(error)")
      }
    let key = path.reduce(into: "") { text, key in
      text += key.intValue.map { "[\($0)]" } ?? (text.isEmpty ? "" : ".") + key.stringValue
    }
    throw .badPayload(kind: kind, key: key, reason: reason)
  } catch {
    throw .badPayload(kind: kind, key: "", reason: "\(error)")
  }
}
