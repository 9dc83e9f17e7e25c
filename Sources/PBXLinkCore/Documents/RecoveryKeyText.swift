// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A recovery key as it is written on paper: base32 (RFC 4648 §6) in 14 groups of four letters and digits,
/// 32 bytes of the key and 3 bytes of SHA-256 to catch what was misread.
public enum RecoveryKeyText {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
  private static let length = 32
  private static let checkLength = 3

  /// The text for paper. It is the secret itself.
  public static func encode(_ key: Secret, using cryptography: any Cryptography) -> String {
    let bytes = key.exposedBytes + check(key.exposedBytes, cryptography)
    var letters: [UInt8] = []
    var bits: UInt32 = 0
    var bitCount = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      bitCount += 8
      while bitCount >= 5 {
        bitCount -= 5
        letters.append(alphabet[Int(bits >> bitCount & 0x1f)])
      }
      bits &= 0xff
    }
    return stride(from: 0, to: letters.count, by: 4).map { start in
      String(decoding: letters[start..<min(start + 4, letters.count)], as: UTF8.self)
    }.joined(separator: "-")
  }

  /// The key in a text; nil when it was misread or is none. Case, blanks and hyphens do not matter, and the
  /// digits 0, 1 and 8, which it never has, are taken for the letters O, I and B.
  public static func decode(_ text: String, using cryptography: any Cryptography) -> Secret? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var bitCount = 0
    for letter in text.uppercased() where !letter.isWhitespace && letter != "-" {
      let meant = (["0": "O", "1": "I", "8": "B"] as [Character: Character])[letter] ?? letter
      guard let code = meant.asciiValue, let value = alphabet.firstIndex(of: code) else { return nil }
      bits = bits << 5 | UInt32(value)
      bitCount += 5
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> bitCount))
      }
      bits &= 0xff
    }
    guard bytes.count == length + checkLength, bitCount == 0 else { return nil }
    let key = Array(bytes.prefix(length))
    guard Array(bytes.suffix(checkLength)) == check(key, cryptography) else { return nil }
    return Secret(key)
  }

  private static func check(_ key: [UInt8], _ cryptography: any Cryptography) -> [UInt8] {
    Array(cryptography.sha256(Array("pbxlink recovery key\0".utf8) + key).prefix(checkLength))
  }
}
