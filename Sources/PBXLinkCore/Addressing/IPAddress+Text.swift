// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension IPAddress: LosslessStringConvertible, CustomStringConvertible {
  /// Parses dotted-quad IPv4 (RFC 6943 §3.1.1 strict form: four decimal parts without leading zeros)
  /// or IPv6 (RFC 4291 §2.2, without zone).
  public init?(_ text: String) {
    let bytes = Array(text.utf8)[...]
    if let value = Self.parseV4(bytes) {
      self.init(family: .v4, value: UInt128(value))
    } else if bytes.contains(0x3a), let value = Self.parseV6(bytes) {
      self.init(family: .v6, value: value)
    } else {
      return nil
    }
  }

  private static func parseV4(_ text: ArraySlice<UInt8>) -> UInt32? {
    var (value, part, digits, dots): (UInt32, UInt32, Int, Int) = (0, 0, 0, 0)
    for byte in text {
      if byte == 0x2e {
        guard digits > 0 else { return nil }
        value = value << 8 | part
        (part, digits, dots) = (0, 0, dots + 1)
      } else {
        guard (0x30...0x39).contains(byte), digits == 0 || part > 0 else { return nil }
        part = 10 * part + UInt32(byte - 0x30)
        digits += 1
        guard part <= 255 else { return nil }
      }
    }
    return dots == 3 && digits > 0 ? value << 8 | part : nil
  }

  private static func parseV6(_ text: ArraySlice<UInt8>) -> UInt128? {
    var rest = text
    var groups: [UInt16] = []
    /// How many groups stand before "::".
    var gap: Int?
    if rest.starts(with: "::".utf8) {
      gap = 0
      rest.removeFirst(2)
    }
    while !rest.isEmpty {
      let part = rest.prefix { $0 != 0x3a }
      rest = rest.dropFirst(part.count)
      if rest.isEmpty, part.contains(0x2e) {
        // An IPv4 tail stands for two groups.
        guard let v4 = parseV4(part) else { return nil }
        groups += [UInt16(v4 >> 16), UInt16(truncatingIfNeeded: v4)]
        break
      }
      guard (1...4).contains(part.count), part.allSatisfy(isHexDigit),
        let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
      else { return nil }
      groups.append(group)
      guard rest.popFirst() != nil else { break }
      if rest.first == 0x3a {
        guard gap == nil else { return nil }
        gap = groups.count
        rest.removeFirst()
      } else if rest.isEmpty {
        return nil
      }
    }
    if let gap {
      guard groups.count < 8 else { return nil }
      groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
    }
    guard groups.count == 8 else { return nil }
    return groups.reduce(0) { $0 << 16 | UInt128($1) }
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
  }

  /// Dotted quad, or the canonical text of RFC 5952.
  public var description: String {
    if family == .v4 { return bytes.map(String.init).joined(separator: ".") }
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> UInt128(112 - 16 * $0)) }
    let zeros = Self.longestZeroRun(groups)
    let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
    guard zeros.count >= 2 else { return text(groups[...]) }
    return text(groups[..<zeros.lowerBound]) + "::" + text(groups[zeros.upperBound...])
  }

  private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int> {
    var best = 0..<0
    var start = 0
    for index in 0...groups.count where index == groups.count || groups[index] != 0 {
      if index - start > best.count { best = start..<index }
      start = index + 1
    }
    return best
  }
}

extension IPAddress: Codable {
  /// Decodes the text form.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder) }
  /// Encodes the text form.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

extension IPAddress: TextCoded {
  static var textKind: String { "an IP address" }
}
