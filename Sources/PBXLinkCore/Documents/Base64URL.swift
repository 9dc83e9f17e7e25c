// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Unpadded base64url (RFC 4648 §5), as JWS wants it (RFC 7515 §2).
public enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  /// The value of each letter, and 0xff for what is none.
  private static let values = (0...UInt8.max).map { letter in
    alphabet.firstIndex(of: letter).map { UInt8($0) } ?? 0xff
  }

  /// Encodes without padding.
  public static func encode(_ bytes: some Sequence<UInt8>) -> String {
    let alphabet = alphabet
    var text: [UInt8] = []
    text.reserveCapacity((8 * bytes.underestimatedCount + 5) / 6)
    var bits: UInt32 = 0
    var bitCount = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      bitCount += 8
      while bitCount >= 6 {
        bitCount -= 6
        text.append(alphabet[Int(bits >> bitCount & 0x3f)])
      }
      bits &= 0xff
    }
    if bitCount > 0 { text.append(alphabet[Int(bits << (6 - bitCount) & 0x3f)]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// Decodes strictly: no padding, no other alphabet, no stray bits in the last character, so that one byte
  /// string has exactly one text. Nil for anything else.
  public static func decode(_ text: some StringProtocol) -> [UInt8]? { decode(Array(text.utf8)[...]) }

  /// The same for a text in UTF-8.
  static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    let values = values
    let (groups, rest) = text.count.quotientAndRemainder(dividingBy: 4)
    // Six bits over are a character that begins no byte.
    guard rest != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(3 * groups + 2)
    var next = text.startIndex
    for _ in 0..<groups {
      let (a, b) = (values[Int(text[next])], values[Int(text[next + 1])])
      let (c, d) = (values[Int(text[next + 2])], values[Int(text[next + 3])])
      guard a | b | c | d < 64 else { return nil }
      bytes.append(a << 2 | b >> 4)
      bytes.append(b << 4 | c >> 2)
      bytes.append(c << 6 | d)
      next += 4
    }
    guard rest > 0 else { return bytes }
    let (a, b) = (values[Int(text[next])], values[Int(text[next + 1])])
    let c = rest == 3 ? values[Int(text[next + 2])] : 0
    // Bits over must be zero.
    guard a | b | c < 64, (rest == 3 ? c << 6 : b << 4) == 0 else { return nil }
    bytes.append(a << 2 | b >> 4)
    if rest == 3 { bytes.append(b << 4 | c >> 2) }
    return bytes
  }
}
