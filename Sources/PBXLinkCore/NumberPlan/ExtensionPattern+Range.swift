// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension ExtensionPattern {
  static func isRange(_ text: String) -> Bool {
    text.contains("-") && text.allSatisfy { $0 == "-" || DigitSet.digit($0) != nil }
  }

  /// The numbers from one to another as the fewest patterns that are each an unbroken run of numbers:
  /// 150-349 becomes 1[5-9]X, 2XX, 3[0-4]X.
  static func range(_ text: String) throws(NumberPlanError) -> [Self] {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, let low = UInt64(ends[0]), let high = UInt64(ends[1]),
      ends.allSatisfy({ lengths.contains($0.count) })
    else {
      throw .invalidExtension(
        text,
        reason: "a range is two numbers of \(lengths.lowerBound) to \(lengths.upperBound) digits, "
          + "such as 200-299")
    }
    guard ends[0].count == ends[1].count else {
      throw .invalidExtension(
        text, reason: "both ends of a range have the same number of digits; write one range for each length")
    }
    guard low <= high else {
      throw .invalidExtension(text, reason: "the first number of a range is the lower one")
    }
    var patterns: [Self] = []
    var next = low
    while next <= high {
      let (pattern, size) = longestRun(from: next, through: high, length: ends[0].count)
      patterns.append(pattern)
      next += size
    }
    return patterns
  }

  /// The pattern of most numbers that begins at `low`, is an unbroken run and does not pass `high`:
  /// fixed digits, one class that ends at 9 or before `high`, then Xs.
  private static func longestRun(from low: UInt64, through high: UInt64, length: Int) -> (Self, UInt64) {
    var free = 0
    var unit: UInt64 = 1
    // One more free digit needs a zero there now, and room for ten of the unit.
    while free < length - 1, low % (unit * 10) == 0, low + (unit * 10 - 1) <= high {
      unit *= 10
      free += 1
    }
    let first = UInt8(low / unit % 10)
    let count = min(UInt64(10 - first), (high - low + 1) / unit)
    var positions = Array(repeating: DigitSet.x, count: free)
    positions.insert(DigitSet(first...first + UInt8(count) - 1), at: 0)
    var fixed = low / unit / 10
    while positions.count < length {
      let digit = UInt8(fixed % 10)
      positions.insert(DigitSet(digit...digit), at: 0)
      fixed /= 10
    }
    return (Self(positions: positions), count * unit)
  }
}
