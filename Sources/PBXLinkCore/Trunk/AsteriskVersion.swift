// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A version of Asterisk, such as `22.10.1~dfsg`.
public struct AsteriskVersion: Hashable, Sendable, CustomStringConvertible {
  /// As Asterisk prints it.
  public let description: String
  /// Major, minor, patch.
  let numbers: [Int]

  /// Reads what `asterisk -V` prints; nil for a build without release number.
  public init?(_ output: String) {
    guard let word = output.split(whereSeparator: \.isWhitespace).dropFirst().first else { return nil }
    let release = word.hasPrefix("certified/") ? word.dropFirst(10) : word
    let numbers = release.prefix { $0.isNumber || $0 == "." }.split(separator: ".").compactMap { Int($0) }
    guard !numbers.isEmpty else { return nil }
    description = String(word)
    self.numbers = Array((numbers + [0, 0]).prefix(3))
  }

  private func isBefore(_ fixed: [[Int]]) -> Bool {
    // The fix of the own branch counts; a branch without one has it only if it is newer than all of them.
    let own = fixed.first { $0[0] == numbers[0] }
    guard let own = own ?? fixed.last else { return false }
    return numbers.lexicographicallyPrecedes(own)
  }

  /// What is known against this version, with the remedy.
  public var advisories: [String] {
    var advisories: [String] = []
    if numbers[0] < 16 { advisories.append("is older than 16, with which pbxlink is not tested: upgrade") }
    if isBefore([[13, 38, 3], [16, 19, 1], [17, 9, 4], [18, 5, 1]]) {
      advisories.append("crashes on an unsupported media format (AST-2021-008, CVE-2021-32558): upgrade")
    }
    if isBefore([[20, 20, 0], [22, 10, 0]]) {
      advisories.append(
        "can be crashed by a malformed IAX2 frame from a peer (fixed in 20.20 and 22.10): upgrade; until then, "
          + "allow no video codec and link only sites you trust")
    }
    return advisories
  }
}
