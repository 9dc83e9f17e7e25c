// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A BFD control packet that goes along with a STAMP packet, in a TLV of the experimental range (RFC 8972 §4, type 250).
/// Four octets tell it from what others use that type for.
enum Liveness {
  static let type: UInt8 = 250
  static let magic = Array("PLBF".utf8)
  static let valueLength = magic.count + BFDPacket.length

  /// The TLV as a sender writes it: marked as not understood, which only a reflector that does takes away.
  static func requestBytes(_ packet: BFDPacket) -> [UInt8] {
    [STAMPExtensions.unrecognized, type, 0, UInt8(valueLength)] + magic + packet.bytes
  }
}

extension STAMPPacket {
  /// A probe of ours: with the count of probes so far, and our end of the BFD session.
  public init(sequence: UInt32, timestamp: NTPTimestamp, liveness: BFDPacket) {
    let counts = DirectMeasurement(sent: sequence &+ 1)
    self.init(
      sequence: sequence, timestamp: timestamp,
      extensions: counts.requestBytes + Liveness.requestBytes(liveness))
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
      let field = STAMPExtensions.fields(of: extensions).first(where: {
        $0.isLiveness(in: extensions) && isWanted($0)
      })
    else { return nil }
    self.init(bytes: extensions[field.value].dropFirst(Liveness.magic.count))
  }
}

extension STAMPExtensions.Field {
  func isLiveness(in bytes: [UInt8]) -> Bool {
    type == Liveness.type && value.count == Liveness.valueLength && !isMalformed
      && bytes[value].starts(with: Liveness.magic)
  }
}
