// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A BFD control packet that goes along with a STAMP packet, in a TLV of the experimental range (RFC 8972 §4, type 250).
/// Four octets tell it from what others use that type for.
enum Liveness {
  static let type: UInt8 = 250
  static let magic = Array("PLBF".utf8)
  static let valueLength = magic.count + BFDPacket.length

  static let requestLength = 4 + valueLength

  /// The TLV as a sender writes it.
  static func appendRequest(_ packet: BFDPacket, to bytes: inout [UInt8]) {
    STAMPExtensions.appendHeader(type: type, length: valueLength, to: &bytes)
    bytes.append(contentsOf: magic)
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: BFDPacket.length))
    packet.write(into: &bytes, at: start)
  }
}

extension STAMPPacket {
  /// A probe of ours: with the count of probes so far, and our end of the BFD session.
  public init(sequence: UInt32, timestamp: NTPTimestamp, liveness: BFDPacket) {
    var extensions = [UInt8](octets: DirectMeasurement.requestLength + Liveness.requestLength)
    DirectMeasurement(sent: sequence &+ 1).appendRequest(to: &extensions)
    Liveness.appendRequest(liveness, to: &extensions)
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
    self.init(in: extensions, at: field.value.lowerBound + Liveness.magic.count)
  }
}

extension STAMPExtensions.Field {
  func isLiveness(in bytes: [UInt8]) -> Bool {
    type == Liveness.type && value.count == Liveness.valueLength && !isMalformed
      && bytes[value].starts(with: Liveness.magic)
  }
}
