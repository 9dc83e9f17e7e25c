// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The TLVs behind the base packet (RFC 8972 §4): flags, type, two octets of length, value.
enum STAMPExtensions {
  /// U: the reflector does not know the type.
  static let unrecognized: UInt8 = 0x80
  /// M: the length does not fit.
  static let malformed: UInt8 = 0x40

  struct Field {
    /// Where it begins.
    let start: Int
    let flags: UInt8
    let type: UInt8
    /// Where its value is; what there is of it when it is malformed.
    let value: Range<Int>
    let isMalformed: Bool

    var isCounts: Bool {
      type == DirectMeasurement.type && value.count == DirectMeasurement.valueLength && !isMalformed
    }
  }

  /// The TLVs up to the first that is malformed. What is not TLVs, such as the padding of TWAMP, gives some too.
  struct Fields: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var start = 0

    init(of bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() -> Field? {
      guard start + 4 <= bytes.count else { return nil }
      let end = start + 4 + Int(bytes.integer(at: start + 2, as: UInt16.self))
      let isMalformed = end > bytes.count
      defer { start = isMalformed ? bytes.count : end }
      return Field(
        start: start, flags: bytes[start], type: bytes[start + 1],
        value: start + 4..<Swift.min(end, bytes.count),
        isMalformed: isMalformed)
    }
  }

  /// What a reflector sends back: as long as what came, with its counts and its end of the BFD session filled in, and
  /// the flags set (§4).
  static func reflection(of bytes: [UInt8], count: UInt32, liveness: BFDPacket?) -> [UInt8] {
    var bytes = bytes
    for field in Fields(of: bytes) {
      if field.isMalformed {
        bytes[field.start] |= malformed
      } else if field.isCounts {
        let start = field.value.lowerBound
        DirectMeasurement(sent: bytes.integer(at: start), reached: count, returned: count)
          .write(into: &bytes, at: start)
        bytes[field.start] = 0
      } else if let liveness, field.isLiveness(in: bytes) {
        liveness.write(into: &bytes, at: field.value.lowerBound + Liveness.magicLength)
        bytes[field.start] = 0
      } else if field.type == padding {
        bytes[field.start] &= ~unrecognized
      } else if field.type != reserved {
        bytes[field.start] |= unrecognized
      }
    }
    return bytes
  }

  /// The first four octets of a TLV as a sender writes it: marked as not understood, which only a reflector that does
  /// takes away (§4).
  static func writeHeader(type: UInt8, length: Int, into bytes: inout [UInt8], at offset: Int) {
    (bytes[offset], bytes[offset + 1]) = (unrecognized, type)
    bytes.write(integer: UInt16(length), at: offset + 2)
  }

  /// Extra Padding of a whole length in octets, 4 at least, which needs no understanding (§4.1).
  static func padding(length: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: length)
    writeHeader(type: padding, length: length - 4, into: &bytes, at: 0)
    return bytes
  }

  /// Extra Padding.
  private static let padding: UInt8 = 1
  /// No type at all, but what zeros behind a TWAMP-Test packet look like.
  private static let reserved: UInt8 = 0
}
