// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The packets of a STAMP session that each end has counted so far: the Direct Measurement TLV (RFC 8972 §4.5). From
/// one answer to another it tells those lost on the way there from those lost on the way back, also when the answers
/// in between did not arrive.
public struct DirectMeasurement: Hashable, Sendable {
  /// Packets that the Session-Sender has sent, this one too (S_TxC).
  public var sent: UInt32
  /// Packets that the Session-Reflector has received, this one too (R_RxC).
  public var reached: UInt32
  /// Packets that it has sent back, this one too (R_TxC).
  public var returned: UInt32

  fileprivate static let type: UInt8 = 5
  fileprivate static let valueLength = 12

  /// The counts of a session.
  public init(sent: UInt32, reached: UInt32 = 0, returned: UInt32 = 0) {
    self.sent = sent
    self.reached = reached
    self.returned = returned
  }

  /// The TLV as a sender writes it: marked as not understood, which only a reflector that does takes away (§4).
  public var requestBytes: [UInt8] {
    [STAMPExtensions.unrecognized, Self.type, 0, UInt8(Self.valueLength)] + value
  }

  /// The counts in what a reflector has sent back; nil where it did not understand the TLV, or there is none.
  public init?(answeredIn extensions: [UInt8]) {
    guard
      let found = STAMPExtensions.fields(of: extensions).first(where: { $0.isCounts && $0.flags == 0 })
    else { return nil }
    func count(_ index: Int) -> UInt32 {
      UInt32(truncatingIfNeeded: extensions.integer(at: found.value.lowerBound + 4 * index, length: 4))
    }
    self.init(sent: count(0), reached: count(1), returned: count(2))
  }

  var value: [UInt8] {
    var bytes: [UInt8] = []
    for count in [sent, reached, returned] { bytes.append(integer: UInt64(count), length: 4) }
    return bytes
  }
}

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

  /// What a reflector sends back: as long as what came, with its counts filled in and the flags set (§4).
  static func reflection(of bytes: [UInt8], count: UInt32) -> [UInt8] {
    var bytes = bytes
    for field in fields(of: bytes) {
      if field.isMalformed {
        bytes[field.start] |= malformed
      } else if field.isCounts {
        let senders = UInt32(truncatingIfNeeded: bytes.integer(at: field.value.lowerBound, length: 4))
        let counts = DirectMeasurement(sent: senders, reached: count, returned: count)
        bytes.replaceSubrange(field.value, with: counts.value)
        bytes[field.start] = 0
      } else if field.type == padding {
        bytes[field.start] &= ~unrecognized
      } else if field.type != reserved {
        bytes[field.start] |= unrecognized
      }
    }
    return bytes
  }

  /// Extra Padding, which needs no understanding (§4.1).
  private static let padding: UInt8 = 1
  /// No type at all, but what zeros behind a TWAMP-Test packet look like.
  private static let reserved: UInt8 = 0
}
