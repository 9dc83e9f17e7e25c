// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("BFD control packets")
struct BFDPacketTests {
  /// A packet as BIRD sends it: up, 100 ms, 10 ms, multiplier 5.
  private static let octets: [UInt8] = [
    0x20, 0xc0, 0x05, 0x18, 0xde, 0xad, 0xbe, 0xef, 0x00, 0x00, 0x00, 0x07, 0x00, 0x01, 0x86, 0xa0, 0x00,
    0x00,
    0x27, 0x10, 0x00, 0x00, 0x00, 0x00,
  ]

  @Test("every field is where RFC 5880 has it")
  func fields() throws {
    let packet = try #require(BFDPacket(bytes: Self.octets))
    #expect(packet.state == .up && packet.diagnostic == .none && !packet.isPoll && !packet.isFinal)
    #expect(
      packet.detectMultiplier == 5 && packet.myDiscriminator == 0xdead_beef && packet.yourDiscriminator == 7)
    #expect(packet.desiredMinTransmit == .milliseconds(100) && packet.requiredMinReceive == .milliseconds(10))
    #expect(packet.bytes == Self.octets)
    var polling = packet
    (polling.isPoll, polling.state, polling.diagnostic) = (true, .down, .neighborSignaledDown)
    #expect(polling.bytes.prefix(2) == [0x23, 0x60])
    (polling.isPoll, polling.isFinal) = (false, true)
    #expect(polling.bytes[1] == 0x50)
  }

  @Test(
    "what RFC 5880 §6.8.6 discards is none: version, length, authentication, multipoint, zeros where none may be"
  )
  func discarded() {
    let faults: [(offset: Int, value: UInt8)] = [
      (0, 0x40), (0, 0x00), (1, 0xc4), (1, 0xc1), (2, 0), (3, 23), (3, 26),
    ]
    for fault in faults {
      var octets = Self.octets
      octets[fault.offset] = fault.value
      #expect(BFDPacket(bytes: octets) == nil, "\(fault)")
    }
    for zeros in [4..<8, 8..<12] {
      var octets = Self.octets
      for index in zeros { octets[index] = 0 }
      #expect(BFDPacket(bytes: octets) == nil)
    }
    for length in 0..<24 { #expect(BFDPacket(bytes: Array(Self.octets.prefix(length))) == nil) }
  }

  @Test(
    "a packet that goes to and fro is the same, and any octets either give one or none", arguments: 0..<50)
  func roundTrip(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<200 {
      let octets = (0..<Int.random(in: 20...30, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      let forced = [octets[0] & 0x1f | 0x20, octets[1] & 0xfa, octets[2], 24] + octets.dropFirst(4)
      guard let packet = BFDPacket(bytes: forced) else { continue }
      #expect(BFDPacket(bytes: packet.bytes) == packet)
    }
  }

  private func request(_ packet: BFDPacket) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Liveness.requestLength)
    Liveness.writeRequest(packet, into: &bytes, at: 0)
    return bytes
  }

  @Test("intervals are whole microseconds of 32 bits, and what does not fit is the nearest")
  func intervals() throws {
    for (interval, microseconds) in [
      (.zero, 0), (.microseconds(300_000), 300_000), (.nanoseconds(1_499), 1), (.nanoseconds(1_500), 2),
      (.seconds(-1), 0), (.seconds(4294) + .microseconds(967_295), 0xffff_ffff),
      (.seconds(4295), 0xffff_ffff),
      (.seconds(1 << 40), 0xffff_ffff),
    ] as [(Duration, UInt32)] {
      var packet = try #require(BFDPacket(bytes: Self.octets))
      packet.desiredMinTransmit = interval
      let read = try #require(BFDPacket(bytes: packet.bytes)).desiredMinTransmit
      #expect(read == .microseconds(Int64(microseconds)), "\(interval)")
    }
  }

  @Test("inside a STAMP packet others leave it alone, and one that is cut or of another is none")
  func carried() throws {
    let packet = try #require(BFDPacket(bytes: Self.octets))
    let stamp = NTPTimestamp(value: 1)
    let probe = STAMPPacket(sequence: 1, timestamp: stamp, extensions: request(packet))
    #expect(STAMPPacket(bytes: probe.bytes)?.liveness == packet)
    func answer(_ liveness: BFDPacket?) -> STAMPReflection {
      STAMPReflection(to: probe, number: 0, receivedAt: stamp, ttl: 255, sentAt: stamp, liveness: liveness)
    }
    var other = packet
    other.state = .initializing
    #expect(answer(other).liveness == other && answer(other).bytes.count == probe.bytes.count)
    #expect(answer(nil).liveness == nil, "it is still marked as not understood")
    let extensions = request(packet)
    for (offset, value) in [(1, 251), (3, 27), (4, 0x51)] as [(Int, UInt8)] {
      var strange = extensions
      strange[offset] = value
      let probe = STAMPPacket(sequence: 1, timestamp: stamp, extensions: strange)
      #expect(probe.liveness == nil)
      let answer = STAMPReflection(
        to: probe, number: 0, receivedAt: stamp, ttl: 255, sentAt: stamp, liveness: other)
      #expect(answer.extensions[0] & 0xc0 != 0 && answer.extensions.dropFirst(4) == strange.dropFirst(4))
    }
  }
}
