// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Big-endian integers among octets.
extension [UInt8] {
  /// No octets yet, with room for some.
  init(octets capacity: Int) {
    self = []
    reserveCapacity(capacity)
  }

  /// An integer within the array's bounds.
  func integer(at offset: Int, length: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in offset..<offset + length { value = value << 8 | UInt64(self[index]) }
    return value
  }

  /// Appends the low octets of a number.
  mutating func append(integer: UInt64, length: Int) {
    for index in 1...length { append(UInt8(truncatingIfNeeded: integer >> UInt64(8 * (length - index)))) }
  }

  /// Writes the low octets of a number over those from an offset on, within the array's bounds.
  mutating func write(integer: UInt64, length: Int, at offset: Int) {
    for index in 1...length {
      self[offset + index - 1] = UInt8(truncatingIfNeeded: integer >> UInt64(8 * (length - index)))
    }
  }
}
