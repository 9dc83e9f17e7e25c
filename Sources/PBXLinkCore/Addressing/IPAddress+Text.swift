// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension IPAddress: LosslessStringConvertible, CustomStringConvertible {
  /// Parses dotted-quad IPv4 (RFC 6943 §3.1.1 strict form: four decimal parts without leading zeros)
  /// or IPv6 (RFC 4291 §2.2, without zone).
  public init?(_ text: String) {
    if let value = Self.parseV4(Substring(text)) {
      self.init(family: .v4, value: UInt128(value))
    } else if let value = Self.parseV6(text) {
      self.init(family: .v6, value: value)
    } else {
      return nil
    }
  }

  private static func parseV4(_ text: Substring) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var value: UInt32 = 0
    for part in parts {
      guard (1...3).contains(part.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        part.count == 1 || part.first != "0", let byte = UInt8(part)
      else { return nil }
      value = value << 8 | UInt32(byte)
    }
    return value
  }

  private static func parseV6(_ text: String) -> UInt128? {
    guard text.contains(":"), !text.contains(":::") else { return nil }
    let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
    guard halves.count <= 2, let head = groups(halves[0], isLast: halves.count == 1) else { return nil }
    guard halves.count == 2 else { return head.count == 8 ? join(head) : nil }
    guard let tail = groups(halves[1], isLast: true), head.count + tail.count < 8 else { return nil }
    return join(head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail)
  }

  private static func join(_ groups: [UInt16]) -> UInt128 {
    groups.reduce(0) { $0 << 16 | UInt128($1) }
  }

  /// The 16-bit groups of one side of "::"; an IPv4 tail stands for two groups.
  private static func groups(_ text: Substring, isLast: Bool) -> [UInt16]? {
    guard !text.isEmpty else { return [] }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    var groups: [UInt16] = []
    for (index, part) in parts.enumerated() {
      if part.contains(".") {
        guard isLast, index == parts.count - 1, let v4 = parseV4(part) else { return nil }
        groups += [UInt16(v4 >> 16), UInt16(truncatingIfNeeded: v4)]
      } else {
        guard (1...4).contains(part.count), part.allSatisfy(\.isHexDigit), let group = UInt16(part, radix: 16)
        else { return nil }
        groups.append(group)
      }
    }
    return groups
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
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder, "an IP address") }
  /// Encodes the text form.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}
