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

  static let type: UInt8 = 5
  static let valueLength = 12

  /// The counts of a session.
  public init(sent: UInt32, reached: UInt32 = 0, returned: UInt32 = 0) {
    self.sent = sent
    self.reached = reached
    self.returned = returned
  }

  /// The TLV as a sender writes it: marked as not understood, which only a reflector that does takes away (§4).
  public var requestBytes: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.requestLength)
    writeRequest(into: &bytes, at: 0)
    return bytes
  }

  /// The counts in what a reflector has sent back; nil where it did not understand the TLV, or there is none.
  public init?(answeredIn extensions: [UInt8]) {
    guard
      let found = STAMPExtensions.Fields(of: extensions).first(where: { $0.isCounts && $0.flags == 0 })
    else { return nil }
    func count(_ index: Int) -> UInt32 {
      extensions.integer(at: found.value.lowerBound + 4 * index)
    }
    self.init(sent: count(0), reached: count(1), returned: count(2))
  }

  static let requestLength = 4 + valueLength

  func writeRequest(into bytes: inout [UInt8], at offset: Int) {
    STAMPExtensions.writeHeader(type: Self.type, length: Self.valueLength, into: &bytes, at: offset)
    write(into: &bytes, at: offset + 4)
  }

  func write(into bytes: inout [UInt8], at offset: Int) {
    bytes.write(integer: sent, at: offset)
    bytes.write(integer: reached, at: offset + 4)
    bytes.write(integer: returned, at: offset + 8)
  }
}
