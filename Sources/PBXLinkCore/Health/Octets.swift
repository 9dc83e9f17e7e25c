// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Big-endian integers among octets.
extension [UInt8] {
  /// Zeros that are to be written over, and what follows them.
  init(base length: Int, and others: [UInt8]) {
    self.init(repeating: 0, count: length + others.count)
    self[length...] = others[...]
  }

  /// An integer within the array's bounds.
  func integer<Integer: FixedWidthInteger & UnsignedInteger>(
    at offset: Int, as: Integer.Type = Integer.self
  ) -> Integer {
    var value: Integer = 0
    for octet in self[offset..<offset + Integer.bitWidth / 8] { value = value << 8 | Integer(octet) }
    return value
  }

  /// Writes a number over the octets from an offset on, within the array's bounds.
  mutating func write<Integer: FixedWidthInteger & UnsignedInteger>(integer: Integer, at offset: Int) {
    let length = Integer.bitWidth / 8
    var octets = mutableSpan
    for index in 0..<length {
      octets[offset + index] = UInt8(truncatingIfNeeded: integer >> (8 * (length - 1 - index)))
    }
  }
}
