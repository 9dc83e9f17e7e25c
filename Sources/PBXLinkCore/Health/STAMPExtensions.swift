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
  static func fields(of bytes: [UInt8]) -> [Field] {
    var fields: [Field] = []
    var start = 0
    while start + 4 <= bytes.count {
      let end = start + 4 + Int(bytes.integer(at: start + 2, length: 2))
      let isMalformed = end > bytes.count
      fields.append(
        Field(
          start: start, flags: bytes[start], type: bytes[start + 1],
          value: start + 4..<min(end, bytes.count), isMalformed: isMalformed))
      if isMalformed { break }
      start = end
    }
    return fields
  }

  /// What a reflector sends back: as long as what came, with its counts and its end of the BFD session filled in, and
  /// the flags set (§4).
  static func reflection(of bytes: [UInt8], count: UInt32, liveness: BFDPacket?) -> [UInt8] {
    var bytes = bytes
    for field in fields(of: bytes) {
      if field.isMalformed {
        bytes[field.start] |= malformed
      } else if field.isCounts {
        let senders = UInt32(truncatingIfNeeded: bytes.integer(at: field.value.lowerBound, length: 4))
        let counts = DirectMeasurement(sent: senders, reached: count, returned: count)
        bytes.replaceSubrange(field.value, with: counts.value)
        bytes[field.start] = 0
      } else if let liveness, field.isLiveness(in: bytes) {
        bytes.replaceSubrange(field.value, with: Liveness.magic + liveness.bytes)
        bytes[field.start] = 0
      } else if field.type == padding {
        bytes[field.start] &= ~unrecognized
      } else if field.type != reserved {
        bytes[field.start] |= unrecognized
      }
    }
    return bytes
  }

  /// Extra Padding of a whole length in octets, 4 at least, which needs no understanding (§4.1).
  static func padding(length: Int) -> [UInt8] {
    var bytes = [unrecognized, padding]
    bytes.append(integer: UInt64(length - 4), length: 2)
    return bytes + [UInt8](repeating: 0, count: length - 4)
  }

  private static let padding: UInt8 = 1
  /// No type at all, but what zeros behind a TWAMP-Test packet look like.
  private static let reserved: UInt8 = 0
}
