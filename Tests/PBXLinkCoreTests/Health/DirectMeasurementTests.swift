// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Counts in probes")
struct DirectMeasurementTests {
  private let moment = NTPTimestamp(value: 7)

  private func answer(to extensions: [UInt8], number: UInt32 = 4) -> [UInt8] {
    let packet = STAMPPacket(sequence: 1, timestamp: moment, extensions: extensions)
    return STAMPReflection(to: packet, number: number, receivedAt: moment, ttl: 255, sentAt: moment)
      .extensions
  }

  @Test(
    "they are laid out as in RFC 8972 section 4.5, marked as not understood until a reflector fills them in")
  func layout() {
    let request = DirectMeasurement(sent: 0x0102_0304).requestBytes
    #expect(request == [0x80, 5, 0, 12, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(DirectMeasurement(answeredIn: request) == nil, "as a former version sends it back")
    let answered = answer(to: request)
    #expect(answered == [0, 5, 0, 12, 1, 2, 3, 4, 0, 0, 0, 5, 0, 0, 0, 5])
    #expect(DirectMeasurement(answeredIn: answered) == .init(sent: 0x0102_0304, reached: 5, returned: 5))
  }

  @Test(
    "other TLVs come back marked as not understood, padding as understood, one that is cut off as malformed")
  func others() {
    let padding: [UInt8] = [0x80, 1, 0, 2, 9, 9]
    let location: [UInt8] = [0, 2, 0, 4, 1, 2, 3, 4]
    let counts = DirectMeasurement(sent: 1).requestBytes
    let answered = answer(to: padding + location + counts + [0x80, 3, 0, 200, 1])
    #expect(answered.prefix(6) == [0, 1, 0, 2, 9, 9])
    #expect(answered.dropFirst(6).prefix(8) == [0x80, 2, 0, 4, 1, 2, 3, 4])
    #expect(answered.suffix(5) == [0xc0, 3, 0, 200, 1])
    #expect(DirectMeasurement(answeredIn: answered)?.reached == 5, "behind others")
  }

  @Test("counts of another length are none", arguments: [0, 8, 11, 13, 16])
  func otherLength(length: Int) {
    let bytes = [0, 5, 0, UInt8(length)] + [UInt8](repeating: 1, count: length)
    #expect(DirectMeasurement(answeredIn: bytes) == nil)
  }

  @Test("whatever follows the base packet is answered at its length and read without harm", arguments: 0..<50)
  func anything(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for length in 0..<120 {
      // Small numbers often, so that many lengths fit.
      let bytes = (0..<length).map { _ in
        UInt8.random(in: Bool.random(using: &random) ? 0...6 : 0...255, using: &random)
      }
      #expect(answer(to: bytes).count == length)
      _ = DirectMeasurement(answeredIn: bytes)
    }
  }
}
