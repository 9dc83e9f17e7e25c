// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink

/// Builds a sequence of netlink attributes (linux/netlink.h, struct nlattr): 16-bit length and type in host
/// byte order, payload, padding to four bytes.
struct NetlinkAttributeWriter {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ type: Int, _ payload: some Collection<UInt8>) { put(type) { $0 += payload } }

  mutating func put(_ type: Int, _ value: some FixedWidthInteger) {
    put(type) { $0.append(hostOrder: value) }
  }

  mutating func put(_ type: Int, string: String) { put(type, Array(string.utf8) + [0]) }

  mutating func nest(_ type: Int, _ body: (inout Self) -> Void) {
    let start = begin()
    body(&self)
    end(start, type | Int(NLA_F_NESTED))
  }

  private mutating func put(_ type: Int, _ append: (inout [UInt8]) -> Void) {
    let start = begin()
    append(&bytes)
    end(start, type)
  }

  /// Leaves room for the header, which is known at the end only.
  private mutating func begin() -> Int {
    defer { bytes.append(hostOrder: UInt32(0)) }
    return bytes.count
  }

  private mutating func end(_ start: Int, _ type: Int) {
    let length = bytes.count - start
    precondition(length <= UInt16.max, "netlink attribute \(type) is too long")
    bytes.withUnsafeMutableBytes {
      $0.storeBytes(of: UInt16(length), toByteOffset: start, as: UInt16.self)
      $0.storeBytes(of: UInt16(type), toByteOffset: start + 2, as: UInt16.self)
    }
    for _ in 0..<(4 - length % 4) % 4 { bytes.append(0) }
  }
}

/// One attribute of a received message.
struct NetlinkAttribute {
  let type: Int
  let payload: ArraySlice<UInt8>

  /// Goes through the attributes of a payload; false when a length runs past the end, or when the body says so.
  static func forEach(in bytes: ArraySlice<UInt8>, _ body: (NetlinkAttribute) -> Bool) -> Bool {
    var rest = bytes
    while rest.count >= 4 {
      guard let length = rest.integer(UInt16.self, at: 0), let type = rest.integer(UInt16.self, at: 2),
        length >= 4, Int(length) <= rest.count
      else { return false }
      let end = rest.startIndex + Int(length)
      let payload = rest[rest.startIndex + 4..<end]
      guard body(NetlinkAttribute(type: Int(type) & 0x3fff, payload: payload)) else { return false }
      rest = rest.dropFirst((Int(length) + 3) & ~3)
    }
    return rest.isEmpty
  }

  /// The attributes in a payload, or nil when a length runs past the end.
  static func parse(_ bytes: ArraySlice<UInt8>) -> [NetlinkAttribute]? {
    var attributes: [NetlinkAttribute] = []
    let isWhole = forEach(in: bytes) {
      attributes.append($0)
      return true
    }
    return isWhole ? attributes : nil
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

extension [UInt8] {
  fileprivate mutating func append(hostOrder value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value) { append(contentsOf: $0) }
  }
}

func hostOrder(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
