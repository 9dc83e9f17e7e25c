// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A 32-byte public key: Ed25519 (RFC 8032) for identities and authorities, X25519 (RFC 7748) for tunnels
/// and trunks. The documents carry it as unpadded base64url.
public struct PublicKey: Hashable, Sendable, Codable, LosslessStringConvertible, CustomStringConvertible,
  Comparable
{
  // Eight bytes each, the first one on top: keys are compared and looked up a lot, and an array would be hashed
  // byte by byte.
  private let first, second, third, fourth: UInt64

  /// A key from its 32 raw bytes; nil for any other count.
  @inlinable
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    var rest = bytes.makeIterator()
    func word() -> UInt64 { (0..<8).reduce(0) { word, _ in word << 8 | UInt64(rest.next() ?? 0) } }
    self.init(word(), word(), word(), word())
  }

  @usableFromInline
  init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
    (self.first, self.second, self.third, self.fourth) = (first, second, third, fourth)
  }

  /// The raw key, 32 bytes.
  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(32)
    for word in [first, second, third, fourth] {
      for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
      }
    }
    return bytes
  }

  /// A key from unpadded base64url.
  public init?(_ text: String) {
    guard let bytes = Base64URL.decode(text) else { return nil }
    self.init(bytes: bytes)
  }

  /// Unpadded base64url, 43 characters.
  public var description: String { Base64URL.encode(bytes) }

  /// By bytes.
  public static func < (left: Self, right: Self) -> Bool {
    (left.first, left.second, left.third, left.fourth) < (
      right.first, right.second, right.third, right.fourth
    )
  }

  /// Decodes base64url.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder) }
  /// Encodes base64url.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

extension PublicKey: TextCoded {
  static var textKind: String { "a 32-byte base64url key" }
}
