// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Reads JSON in the form that ``Document/payload()`` writes: keys in order, no blanks, no escapes. It reads nothing
/// otherwise than a JSON decoder would, and gives up at whatever has another form, which is then left to one,
/// for a decoder takes a quarter of the time of the two signatures in a descriptor.
struct CanonicalReader {
  /// What comes is not in that form, which says nothing against it.
  struct OtherForm: Error {}

  private let bytes: [UInt8]
  private var next = 0
  /// Whether a key that comes is the first one of its object.
  private var isFirst = true

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The object that is all there is.
  static func read<Value>(
    _ bytes: [UInt8], _ body: (inout Self) throws(OtherForm) -> Value
  ) throws(OtherForm) -> Value {
    var reader = Self(bytes)
    let value = try reader.object(body)
    guard reader.next == bytes.count else { throw OtherForm() }
    return value
  }

  mutating func object<Value>(
    _ body: (inout Self) throws(OtherForm) -> Value
  ) throws(OtherForm) -> Value {
    try expect(UInt8(ascii: "{"))
    isFirst = true
    let value = try body(&self)
    try expect(UInt8(ascii: "}"))
    isFirst = false
    return value
  }

  /// Whether that key comes; then its value is next.
  mutating func has(_ key: String) -> Bool {
    let start = next
    if (isFirst || take(UInt8(ascii: ","))), take(UInt8(ascii: "\"")), key.utf8.allSatisfy({ take($0) }),
      take(UInt8(ascii: "\"")), take(UInt8(ascii: ":"))
    {
      isFirst = false
      return true
    }
    next = start
    return false
  }

  /// That key must come.
  mutating func key(_ key: String) throws(OtherForm) { guard has(key) else { throw OtherForm() } }

  /// A string of printable ASCII.
  mutating func string() throws(OtherForm) -> String {
    try expect(UInt8(ascii: "\""))
    let start = next
    while next < bytes.count, (0x20...0x7e).contains(bytes[next]), bytes[next] != UInt8(ascii: "\\") {
      if bytes[next] == UInt8(ascii: "\"") {
        defer { next += 1 }
        return String(decoding: bytes[start..<next], as: UTF8.self)
      }
      next += 1
    }
    throw OtherForm()
  }

  mutating func text<Value: LosslessStringConvertible>() throws(OtherForm) -> Value {
    guard let value = Value(try string()) else { throw OtherForm() }
    return value
  }

  mutating func integer<Value: FixedWidthInteger>() throws(OtherForm) -> Value {
    let start = next
    while next < bytes.count, (0x30...0x39).contains(bytes[next]) { next += 1 }
    let digits = bytes[start..<next]
    guard digits.count == 1 || digits.first != 0x30,
      let value = Value(String(decoding: digits, as: UTF8.self))
    else { throw OtherForm() }
    return value
  }

  mutating func boolean() throws(OtherForm) -> Bool {
    let isTrue = next < bytes.count && bytes[next] == UInt8(ascii: "t")
    for byte in (isTrue ? "true" : "false").utf8 { try expect(byte) }
    return isTrue
  }

  mutating func list<Element>(
    _ element: (inout Self) throws(OtherForm) -> Element
  ) throws(OtherForm) -> [Element] {
    try expect(UInt8(ascii: "["))
    var list: [Element] = []
    if take(UInt8(ascii: "]")) { return list }
    repeat { list.append(try element(&self)) } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"))
    return list
  }

  mutating func texts<Value: LosslessStringConvertible>() throws(OtherForm) -> [Value] {
    try list { reader throws(OtherForm) in try reader.text() }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next < bytes.count, bytes[next] == byte else { return false }
    next += 1
    return true
  }

  private mutating func expect(_ byte: UInt8) throws(OtherForm) {
    guard take(byte) else { throw OtherForm() }
  }
}
