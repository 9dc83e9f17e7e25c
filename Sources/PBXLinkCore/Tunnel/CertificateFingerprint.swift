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
    let letters = Array(text.utf8)
    guard letters.count == 3 * 32 - 1 else { return nil }
    func digit(_ index: Int) -> UInt8? {
      switch letters[index] {
      case 0x30...0x39: letters[index] - 0x30
      case 0x41...0x46, 0x61...0x66: (letters[index] & 0xdf) - 0x41 + 10
      default: nil
      }
    }
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: letters.count, by: 3) {
      guard let high = digit(start), let low = digit(start + 1),
        start + 2 == letters.count || letters[start + 2] == 0x3a
      else { return nil }
      bytes.append(high << 4 | low)
    }
    self.init(bytes: bytes)
  }

  /// "AA:BB:…", upper case.
  public var description: String { bytes.map { hexadecimal($0).uppercased() }.joined(separator: ":") }

  /// Decodes the text form.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder) }
  /// Encodes the text form.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

/// Two lower-case digits.
func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

extension CertificateFingerprint: TextCoded {
  static var textKind: String { "a SHA-256 certificate fingerprint (AA:BB:…)" }
}
