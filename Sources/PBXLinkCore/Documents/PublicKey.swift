// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A 32-byte public key: Ed25519 (RFC 8032) for identities and authorities, X25519 (RFC 7748) for tunnels
/// and trunks. The documents carry it as unpadded base64url.
public struct PublicKey: Hashable, Sendable, Codable, LosslessStringConvertible, CustomStringConvertible,
  Comparable
{
  /// The raw key, 32 bytes.
  public let bytes: [UInt8]

  /// A key from its 32 raw bytes; nil for any other count.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    self.bytes = Array(bytes)
  }

  /// A key from unpadded base64url.
  public init?(_ text: String) {
    guard let bytes = Base64URL.decode(text) else { return nil }
    self.init(bytes: bytes)
  }

  /// Unpadded base64url, 43 characters.
  public var description: String { Base64URL.encode(bytes) }

  /// By bytes.
  public static func < (left: Self, right: Self) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }

  /// Decodes base64url.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder, "a 32-byte base64url key") }
  /// Encodes base64url.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}
