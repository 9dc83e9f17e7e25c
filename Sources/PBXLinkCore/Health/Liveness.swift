// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A BFD control packet that goes along with a STAMP packet, in a TLV of the experimental range (RFC 8972 §4, type 250).
/// Four octets tell it from what others use that type for.
enum Liveness {
  static let type: UInt8 = 250
  /// "PLBF".
  static let magic: UInt32 = 0x504c_4246
  static let magicLength = 4
  static let valueLength = magicLength + BFDPacket.length

  static let requestLength = 4 + valueLength

  /// The TLV as a sender writes it.
  static func writeRequest(_ packet: BFDPacket, into bytes: inout [UInt8], at offset: Int) {
    STAMPExtensions.writeHeader(type: type, length: valueLength, into: &bytes, at: offset)
    bytes.write(integer: magic, at: offset + 4)
    packet.write(into: &bytes, at: offset + 4 + magicLength)
  }
}

extension STAMPPacket {
  /// A probe of ours: with the count of probes so far, and our end of the BFD session.
  public init(sequence: UInt32, timestamp: NTPTimestamp, liveness: BFDPacket) {
    var extensions = [UInt8](
      repeating: 0, count: DirectMeasurement.requestLength + Liveness.requestLength)
    DirectMeasurement(sent: sequence &+ 1).writeRequest(into: &extensions, at: 0)
    Liveness.writeRequest(liveness, into: &extensions, at: DirectMeasurement.requestLength)
    self.init(sequence: sequence, timestamp: timestamp, extensions: extensions)
  }

  /// The sender's end of the BFD session; nil where it runs none.
  var liveness: BFDPacket? { BFDPacket(in: extensions) { _ in true } }
}

extension STAMPReflection {
  /// The reflector's end of the BFD session; nil where it runs none.
  var liveness: BFDPacket? { BFDPacket(in: extensions) { $0.flags == 0 } }
}

extension BFDPacket {
  fileprivate init?(in extensions: [UInt8], where isWanted: (STAMPExtensions.Field) -> Bool) {
    guard
      let field = STAMPExtensions.Fields(of: extensions).first(where: {
        $0.isLiveness(in: extensions) && isWanted($0)
      })
    else { return nil }
    self.init(in: extensions, at: field.value.lowerBound + Liveness.magicLength)
  }
}

extension STAMPExtensions.Field {
  func isLiveness(in bytes: [UInt8]) -> Bool {
    type == Liveness.type && value.count == Liveness.valueLength && !isMalformed
      && bytes.integer(at: value.lowerBound) == Liveness.magic
  }
}
