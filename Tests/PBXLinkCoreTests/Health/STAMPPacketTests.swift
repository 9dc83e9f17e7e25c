// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("STAMP packets")
struct STAMPPacketTests {
  private let packet = STAMPPacket(
    sequence: 0x0102_0304, timestamp: NTPTimestamp(value: 0x1112_1314_1516_1718))

  @Test("a sender's packet has 44 octets, laid out as in RFC 8762 section 4.2.1")
  func senderLayout() {
    #expect(
      packet.bytes == [1, 2, 3, 4, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x3f, 0xff]
        + [UInt8](repeating: 0, count: 30))
  }

  @Test("an answer has 44 octets, laid out as in RFC 8762 section 4.3.1")
  func reflectorLayout() {
    let answer = STAMPReflection(
      to: packet, number: 0x0506_0708, receivedAt: NTPTimestamp(value: 0x2122_2324_2526_2728), ttl: 0xfe,
      sentAt: NTPTimestamp(value: 0x3132_3334_3536_3738))
    #expect(
      answer.bytes == [
        5, 6, 7, 8, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x3f, 0xff, 0, 0,  // 0: sequence, T3
        0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28,  // 16: T2
        1, 2, 3, 4, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x3f, 0xff, 0, 0,  // 24: the sender's
        0xfe, 0, 0, 0,  // 40: TTL
      ])
    #expect(STAMPReflection(bytes: answer.bytes) == answer)
  }

  @Test(
    "an answer is as long as the packet, but never shorter than the base packet",
    arguments: [(14, 44), (43, 44), (44, 44), (45, 45), (1472, 1472)])
  func symmetricalLength(length: Int, answered: Int) throws {
    let bytes = Array(packet.bytes.prefix(length)) + [UInt8](repeating: 0, count: max(0, length - 44))
    let received = try #require(STAMPPacket(bytes: bytes))
    let moment = NTPTimestamp(value: 7)
    let answer = STAMPReflection(
      to: received, number: 0, receivedAt: moment, ttl: 64, sentAt: moment
    ).bytes
    #expect(answer.count == answered)
    #expect(Array(answer.dropFirst(44)) == Array(bytes.dropFirst(44)))
    #expect(STAMPPacket(bytes: Array(bytes.prefix(13))) == nil)
  }

  @Test("an answer without TTL, of 38 octets, is read; a shorter one is not")
  func shortAnswer() throws {
    let answer = STAMPReflection(
      to: packet, number: 0, receivedAt: NTPTimestamp(value: 1), ttl: 9, sentAt: NTPTimestamp(value: 2))
    let short = try #require(STAMPReflection(bytes: Array(answer.bytes.prefix(38))))
    #expect(short.senderTimestamp == packet.timestamp && short.senderTTL == 0 && short.extensions.isEmpty)
    #expect(STAMPReflection(bytes: Array(answer.bytes.prefix(37))) == nil)
  }

  @Test("whatever arrives is read or refused, and what is read is written back", arguments: 0..<50)
  func anything(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for length in 0..<120 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      let packet = STAMPPacket(bytes: bytes)
      #expect((packet != nil) == (length >= 14))
      if let packet {
        #expect(packet.bytes.prefix(14) == bytes.prefix(14) && packet.bytes.count == max(44, length))
        #expect(STAMPPacket(bytes: packet.bytes) == packet)
      }
      let answer = STAMPReflection(bytes: bytes)
      #expect((answer != nil) == (length >= 38))
      if let answer { #expect(STAMPReflection(bytes: answer.bytes) == answer) }
    }
  }

  @Test("a packet of a size is padded to it, and its answer is as long")
  func padding() throws {
    for size in [76, 77, 576, 1280, 1420, 9000] {
      let packet = STAMPPacket(sequence: 1, timestamp: NTPTimestamp(value: 5), size: size)
      #expect(packet.bytes.count == size - 28, "less IPv4 and UDP")
      let answer = STAMPReflection(
        to: packet, number: 0, receivedAt: NTPTimestamp(value: 6), ttl: 255, sentAt: NTPTimestamp(value: 7))
      #expect(answer.bytes.count == size - 28)
      let fields = Array(STAMPExtensions.Fields(of: answer.extensions))
      #expect(fields.count == 1 && fields[0].type == 1 && fields[0].flags == 0 && !fields[0].isMalformed)
    }
  }

  @Test("NTP timestamps count from 1900, wrap in 2036, and differences survive the wrap")
  func timestamps() {
    #expect(NTPTimestamp(unixSeconds: 0, nanoseconds: 500_000_000).value == 0x83aa_7e80_8000_0000)
    let last = NTPTimestamp(unixSeconds: 2_085_978_495, nanoseconds: 750_000_000)
    let first = NTPTimestamp(unixSeconds: 2_085_978_496, nanoseconds: 250_000_000)
    #expect(last.value == 0xffff_ffff_c000_0000 && first.value == 0x4000_0000)
    #expect(first.elapsed(since: last) == .milliseconds(500))
    #expect(last.elapsed(since: first) == .milliseconds(-500))
  }

  @Test("the reflector's own time is never negative, and unknown where the formats differ")
  func processingTime() throws {
    func answer(_ received: UInt64, _ sent: UInt64) -> STAMPReflection {
      STAMPReflection(
        to: packet, number: 0, receivedAt: NTPTimestamp(value: received), ttl: 0,
        sentAt: NTPTimestamp(value: sent))
    }
    #expect(answer(1 << 32, 3 << 31).processingTime == .milliseconds(500))
    #expect(answer(3 << 31, 1 << 32).processingTime == .zero)
    var bytes = answer(1 << 32, 3 << 31).bytes
    bytes[12] |= 0x40
    #expect(try #require(STAMPReflection(bytes: bytes)).processingTime == .zero)
  }
}
