// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@Suite("First packet of an OpenVPN client")
struct OpenVPNFirstPacketTests {
  /// What `openvpn` 2.6.14 sent with `--proto tcp-client --tls-client --tls-auth FILE 1 --auth SHA256`.
  private static let recorded: [UInt8] = [
    0x00, 0x36, 0x38, 0x79, 0xd5, 0x42, 0xc5, 0xab, 0x12, 0x6b, 0x9a, 0x43, 0x42, 0xb7, 0xce, 0x77, 0x1c,
    0x81,
    0x69, 0x08, 0x1a, 0xae, 0xba, 0x70, 0xa4, 0x95, 0x66, 0x18, 0xe0, 0xdb, 0x35, 0x23, 0x79, 0x84, 0xc0,
    0xf4,
    0xcb, 0x7c, 0x58, 0x43, 0xab, 0x34, 0x81, 0x00, 0x00, 0x00, 0x01, 0x6b, 0x04, 0x5c, 0x91, 0x00, 0x00,
    0x00,
    0x00, 0x00,
  ]

  @Test("the HMAC covers packet id and time, then opcode and session id, then the rest")
  func parts() throws {
    guard case .packet(let packet) = OpenVPNFirstPacket.read(Self.recorded) else {
      Issue.record("not read")
      return
    }
    #expect(packet.authenticationCode == Array(Self.recorded[11..<43]))
    #expect(
      packet.authenticated == Array(Self.recorded[43..<51]) + Self.recorded[2..<11] + Self.recorded[51...])
  }

  @Test("every part of it is incomplete, and what follows it does not matter")
  func prefixes() {
    for count in 0..<Self.recorded.count {
      #expect(OpenVPNFirstPacket.read(Self.recorded.prefix(count)) == .incomplete)
    }
    #expect(OpenVPNFirstPacket.read(Self.recorded + [1, 2, 3]) == OpenVPNFirstPacket.read(Self.recorded))
  }

  @Test(
    "anything else is known as foreign as soon as it shows",
    arguments: [
      [0x00, 0x35], [0x02, 0x01], [0x00, 0x36, 0x39], [0x00, 0x36, 0x50], Array("GET / HTTP/1.1".utf8),
      [0x16, 0x03, 0x01, 0x02, 0x00],  // TLS ClientHello
      Array("SSH-2.0-".utf8),
    ] as [[UInt8]])
  func foreign(bytes: [UInt8]) {
    #expect(OpenVPNFirstPacket.read(bytes) == .foreign)
  }

  @Test("more bytes never turn a verdict round", arguments: 0..<50)
  func monotonic(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<20 {
      var bytes = (0..<Int.random(in: 0...600, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      // Half of them begin as a packet should, so that the later checks are reached.
      if Bool.random(using: &random), bytes.count > 2 {
        let length = Int.random(in: 50...520, using: &random)
        bytes.replaceSubrange(0..<3, with: [UInt8(length >> 8), UInt8(truncatingIfNeeded: length), 0x38])
      }
      var verdict = OpenVPNFirstPacket.Reading.incomplete
      for count in 0...bytes.count {
        let next = OpenVPNFirstPacket.read(bytes.prefix(count))
        #expect(verdict == .incomplete || next == verdict)
        verdict = next
      }
      #expect(verdict != .incomplete || bytes.count < 514)
      if case .packet(let packet) = verdict {
        #expect(packet.authenticationCode.count == 32)
        #expect(packet.authenticated.count + 32 == Int(bytes[0]) << 8 | Int(bytes[1]))
      }
    }
  }

  @Test("the key for the HMAC is in the second half of the pair's 256 bytes")
  func key() {
    #expect(OpenVPNFirstPacket.authenticationKey(in: Secret(0...255))?.exposedBytes == Array(192..<224))
    #expect(OpenVPNFirstPacket.authenticationKey(in: Secret(0...254)) == nil)
  }
}
