// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink

/// Builds a sequence of netlink attributes (linux/netlink.h, struct nlattr): 16-bit length and type in host
/// byte order, payload, padding to four bytes.
struct NetlinkAttributeWriter {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ type: Int, _ payload: some Collection<UInt8>) {
    let length = 4 + payload.count
    precondition(length <= UInt16.max, "netlink attribute \(type) is too long")
    bytes += hostOrder(UInt16(length)) + hostOrder(UInt16(type)) + payload
    bytes += Array(repeating: 0, count: (4 - length % 4) % 4)
  }

  mutating func put(_ type: Int, _ value: some FixedWidthInteger) { put(type, hostOrder(value)) }

  mutating func put(_ type: Int, string: String) { put(type, Array(string.utf8) + [0]) }

  mutating func nest(_ type: Int, _ body: (inout Self) -> Void) {
    var inner = Self()
    body(&inner)
    put(type | Int(NLA_F_NESTED), inner.bytes)
  }
}

/// One attribute of a received message.
struct NetlinkAttribute {
  let type: Int
  let payload: ArraySlice<UInt8>

  /// The attributes in a payload, or nil when a length runs past the end.
  static func parse(_ bytes: ArraySlice<UInt8>) -> [NetlinkAttribute]? {
    var rest = bytes
    var attributes: [NetlinkAttribute] = []
    while rest.count >= 4 {
      guard let length = rest.integer(UInt16.self, at: 0), let type = rest.integer(UInt16.self, at: 2),
        length >= 4, Int(length) <= rest.count
      else { return nil }
      let end = rest.startIndex + Int(length)
      attributes.append(
        NetlinkAttribute(type: Int(type) & 0x3fff, payload: rest[rest.startIndex + 4..<end]))
      rest = rest.dropFirst((Int(length) + 3) & ~3)
    }
    return rest.isEmpty ? attributes : nil
  }

  /// The attributes nested in this one.
  var nested: [NetlinkAttribute]? { Self.parse(payload) }
  /// The payload as an integer of exactly its size.
  func integer<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
    payload.count == MemoryLayout<Value>.size ? payload.integer(type, at: 0) : nil
  }
}

extension ArraySlice<UInt8> {
  /// An integer in host byte order at an offset from the start of the slice.
  func integer<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value? {
    guard count >= offset + MemoryLayout<Value>.size else { return nil }
    return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
  }
}

func hostOrder(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
