// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The SHA-256 of an X.509 certificate in DER, by which OpenVPN recognises a peer without an authority
/// (openvpn(8), `--peer-fingerprint`).
public struct CertificateFingerprint: Hashable, Sendable, LosslessStringConvertible, CustomStringConvertible,
  Codable
{
  /// The digest, 32 bytes.
  public let bytes: [UInt8]

  /// A fingerprint from its 32 bytes; nil for any other count.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    self.bytes = Array(bytes)
  }

  /// A fingerprint as `openssl x509 -fingerprint -sha256` writes it: pairs of hexadecimal digits between colons.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let bytes = parts.compactMap { part in
      part.utf8.count == 2 && part.allSatisfy(\.isHexDigit) ? UInt8(part, radix: 16) : nil
    }
    guard bytes.count == parts.count else { return nil }
    self.init(bytes: bytes)
  }

  /// "AA:BB:…", upper case.
  public var description: String { bytes.map { hexadecimal($0).uppercased() }.joined(separator: ":") }

  /// Decodes the text form.
  public init(from decoder: any Decoder) throws {
    self = try decodeText(decoder, "a SHA-256 certificate fingerprint (AA:BB:…)")
  }
  /// Encodes the text form.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

/// Two lower-case digits.
func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }
