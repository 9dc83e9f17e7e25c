// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A set of extensions of one length, in Asterisk's notation without the underscore: 2XX, 3[0-4]XX, 2040.
///
/// Only fixed lengths: a pattern that ends in `.` or `!` would claim numbers nobody has counted, and whether
/// two such patterns overlap depends on how long a caller keeps dialling.
public struct ExtensionPattern: Hashable, Sendable {
  /// How many digits an extension can have.
  public static let lengths = 2...15

  let positions: [DigitSet]

  init(positions: [DigitSet]) { self.positions = positions }

  /// How many digits the extensions have.
  public var length: Int { positions.count }

  /// How many extensions the pattern names.
  public var size: Int { positions.reduce(1) { $0 * $1.digits.count } }

  /// Whether the pattern names this number.
  public func matches(_ number: String) -> Bool {
    number.utf8.count == length
      && zip(number.utf8, positions).allSatisfy { letter, allowed in
        (0x30...0x39).contains(letter) && allowed.rawValue >> UInt16(letter - 0x30) & 1 == 1
      }
  }

  /// Whether the two patterns share a number.
  public func overlaps(_ other: Self) -> Bool {
    guard length == other.length else { return false }
    // From the end: patterns of one mesh often begin alike.
    return positions.indices.reversed().allSatisfy { !positions[$0].isDisjoint(with: other.positions[$0]) }
  }

  /// What is left without the numbers of `other`, as patterns that share no number.
  func subtracting(_ other: Self) -> [Self] {
    guard overlaps(other) else { return [self] }
    return positions.indices.compactMap { index in
      // Equal to `other` before the index, different at it, anything after it.
      let rest = positions[index].subtracting(other.positions[index])
      guard !rest.isEmpty else { return nil }
      var piece = positions
      for earlier in 0..<index { piece[earlier].formIntersection(other.positions[earlier]) }
      piece[index] = rest
      return Self(positions: piece)
    }
  }
}

extension [ExtensionPattern] {
  /// Whether these patterns together name every number that `other` names.
  public func covers(_ other: ExtensionPattern) -> Bool {
    Self.covers(other.positions[...], filter { $0.length == other.length }.map { $0.positions[...] })
  }

  /// Walks the positions; digits that leave the same candidates are followed once.
  private static func covers(_ wanted: ArraySlice<DigitSet>, _ candidates: [ArraySlice<DigitSet>]) -> Bool {
    if candidates.contains(where: { zip($0, wanted).allSatisfy { $0.isSuperset(of: $1) } }) { return true }
    guard let first = wanted.first else { return false }
    let continuations = Set(
      first.digits.map { digit in
        candidates.filter { $0.first?.contains(DigitSet(digit...digit)) == true }.map { $0.dropFirst() }
      })
    return continuations.allSatisfy { covers(wanted.dropFirst(), $0) }
  }
}

extension ExtensionPattern: Comparable {
  /// Shorter ones first, then by the lowest number, then by the digits at the first difference.
  public static func < (left: Self, right: Self) -> Bool {
    if left.length != right.length { return left.length < right.length }
    for (mine, other) in zip(left.positions, right.positions) where mine != other {
      let (low, otherLow) = (mine.rawValue.trailingZeroBitCount, other.rawValue.trailingZeroBitCount)
      return low == otherLow ? mine.rawValue < other.rawValue : low < otherLow
    }
    return false
  }
}
