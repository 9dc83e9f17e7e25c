// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@testable import PBXLinkSystem

/// Bytes from hexadecimal text with spaces.
func bytes(hex: String) -> [UInt8] {
  let digits = hex.compactMap(\.hexDigitValue)
  return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

private func repeated(_ byte: String) -> String { String(repeating: byte, count: 32) }

@Suite("WireGuard messages")
struct WireGuardMessageTests {
  private func key(_ number: UInt8) throws -> PublicKey {
    try #require(PublicKey(bytes: Array(repeating: number, count: 32)))
  }

  private func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }

  private func endpoint(_ text: String) throws -> ResolvedEndpoint {
    try #require(Endpoint(text).flatMap(ResolvedEndpoint.init))
  }

  @Test(
    "a device with two peers is laid out as linux/wireguard.h says",
    .enabled(if: isLittleEndian, "the expected bytes are little-endian"))
  func encoding() throws {
    let settings = WireGuardSettings(
      privateKey: Secret(Array(repeating: 0xaa, count: 32)), listenPort: 51820,
      peers: [
        .init(
          publicKey: try key(0xbb), allowedIPs: [try prefix("10.77.0.2"), try prefix("fd00::/64")],
          endpoint: try endpoint("203.0.113.5:51820"), keepalive: 25),
        .init(publicKey: try key(0xcc), remove: true),
      ])
    let expected =
      "0d00 0200 706278 6c696e6b 30 00 000000"  // WGDEVICE_A_IFNAME "pbxlink0", NUL, padding
      + "2400 0300" + repeated("aa")  // WGDEVICE_A_PRIVATE_KEY
      + "0600 0600 6cca 0000"  // WGDEVICE_A_LISTEN_PORT 51820, padding
      + "c800 0880"  // WGDEVICE_A_PEERS, nested, 200 B
      + "9400 0080"  // peer, nested, 148 B
      + "2400 0100" + repeated("bb")  // WGPEER_A_PUBLIC_KEY
      + "0800 0300 02000000"  // WGPEER_A_FLAGS REPLACE_ALLOWEDIPS
      + "1400 0400 0200 ca6c cb007105 0000000000000000"  // WGPEER_A_ENDPOINT sockaddr_in
      + "0600 0500 1900 0000"  // WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL 25, padding
      + "4800 0980"  // WGPEER_A_ALLOWEDIPS, nested, 72 B
      + "1c00 0080" + "0600 0100 0200 0000"  // entry: FAMILY AF_INET, padding
      + "0800 0200 0a4d0002" + "0500 0300 20 000000"  // IPADDR 10.77.0.2, CIDR_MASK 32, padding
      + "2800 0080" + "0600 0100 0a00 0000"  // entry: FAMILY AF_INET6, padding
      + "1400 0200 fd000000000000000000000000000000" + "0500 0300 40 000000"  // IPADDR fd00::, CIDR_MASK 64
      + "3000 0080"  // peer, nested, 48 B
      + "2400 0100" + repeated("cc")  // WGPEER_A_PUBLIC_KEY
      + "0800 0300 01000000"  // WGPEER_A_FLAGS REMOVE_ME
    #expect(WireGuardMessage.set("pbxlink0", settings) == [bytes(hex: expected)])
  }

  @Test(
    "an update of one value says nothing of the others",
    .enabled(if: isLittleEndian, "the expected bytes are little-endian"))
  func partialUpdate() throws {
    let settings = WireGuardSettings(
      peers: [.init(publicKey: try key(0xbb), updateOnly: true, endpoint: try endpoint("[2001:db8::5]:4000"))]
    )
    let expected =
      "0d00 0200 706278 6c696e6b 30 00 000000"  // WGDEVICE_A_IFNAME
      + "5400 0880" + "5000 0080"  // WGDEVICE_A_PEERS, peer
      + "2400 0100" + repeated("bb")  // WGPEER_A_PUBLIC_KEY
      + "0800 0300 04000000"  // WGPEER_A_FLAGS UPDATE_ONLY
      + "2000 0400 0a00 0fa0 00000000 20010db8000000000000000000000005 00000000"  // ENDPOINT sockaddr_in6
    #expect(WireGuardMessage.set("pbxlink0", settings) == [bytes(hex: expected)])
  }

  @Test("many peers and many addresses go out in several messages that add up to the whole")
  func batching() throws {
    let many = Set((0..<600).map { IPPrefix(host: IPAddress(family: .v4, value: 0x0a4d_0000 + $0)) })
    let peers =
      try [WireGuardSettings.Peer(publicKey: key(1), allowedIPs: many)]
      + (2..<100).map { number in
        try WireGuardSettings.Peer(publicKey: key(number), allowedIPs: [prefix("10.78.0.\(number)")])
      }
    let messages = WireGuardMessage.set(
      "pbxlink0", WireGuardSettings(privateKey: Secret(Array(repeating: 7, count: 32)), peers: peers))
    #expect(messages.count > 4)
    var replaced: [PublicKey: Int] = [:]
    for (number, message) in messages.enumerated() {
      let device = try #require(NetlinkAttribute.parse(message[...]))
      #expect(
        device.contains { $0.type == 3 } == (number == 0), "the private key is in the first message only")
      let list = try #require(device.first { $0.type == 8 }?.nested)
      #expect(list.count <= WireGuardMessage.peerLimit)
      var addresses = 0
      for peer in list {
        let attributes = try #require(peer.nested)
        addresses += attributes.first { $0.type == 9 }?.nested?.count ?? 0
        let flags = attributes.first { $0.type == 3 }?.integer(UInt32.self) ?? 0
        let key = try #require(attributes.first { $0.type == 1 }.flatMap { PublicKey(bytes: $0.payload) })
        if flags & 2 != 0 { replaced[key, default: 0] += 1 }
        #expect((flags & 4 != 0) == (flags & 2 == 0), "a later part adds to a peer that must exist")
      }
      #expect(addresses <= WireGuardMessage.allowedIPLimit)
    }
    #expect(replaced == Dictionary(uniqueKeysWithValues: peers.map { ($0.publicKey, 1) }))
    // SET and GET share the attributes read here, so the messages can be read back as a dump.
    let device = try #require(WireGuardMessage.device(messages))
    #expect(
      device.peers.mapValues(\.allowedIPs)
        == Dictionary(
          uniqueKeysWithValues: peers.map { ($0.publicKey, $0.allowedIPs ?? []) }))
  }

  @Test("settings without peers still go out")
  func deviceOnly() throws {
    let messages = WireGuardMessage.set("pbxlink0", WireGuardSettings(listenPort: 1))
    #expect(messages.count == 1)
    #expect(WireGuardMessage.device(messages)?.listenPort == 1)
  }

  @Test(
    "a peer that a dump repeats is one peer",
    .enabled(if: isLittleEndian, "the expected bytes are little-endian"))
  func coalescing() throws {
    let first =
      "2400 0400" + repeated("dd")  // WGDEVICE_A_PUBLIC_KEY
      + "0600 0600 6cca 0000"  // WGDEVICE_A_LISTEN_PORT
      + "8c00 0880" + "8800 0080"  // WGDEVICE_A_PEERS, peer
      + "2400 0100" + repeated("bb")  // WGPEER_A_PUBLIC_KEY
      + "1400 0400 0200 ca6c cb007105 0000000000000000"  // WGPEER_A_ENDPOINT
      + "1400 0600 00d2496b00000000 0100000000000000"  // WGPEER_A_LAST_HANDSHAKE_TIME 1800000000 s, 1 ns
      + "0c00 0700 0500000000000000" + "0c00 0800 0900000000000000"  // RX_BYTES 5, TX_BYTES 9
      + "2000 0980" + "1c00 0080" + "0600 0100 0200 0000" + "0800 0200 0a4d0002" + "0500 0300 20 000000"
    let second =
      "4c00 0880" + "4800 0080"  // WGDEVICE_A_PEERS, the same peer
      + "2400 0100" + repeated("bb")  // WGPEER_A_PUBLIC_KEY
      + "2000 0980" + "1c00 0080" + "0600 0100 0200 0000" + "0800 0200 0a4d0003" + "0500 0300 20 000000"
    let state = try #require(WireGuardMessage.device([bytes(hex: first), bytes(hex: second)]))
    #expect(state.publicKey == (try key(0xdd)))
    #expect(state.listenPort == 51820)
    #expect(
      state.peers == [
        try key(0xbb): ObservedTunnel.Peer(
          allowedIPs: [try prefix("10.77.0.2"), try prefix("10.77.0.3")],
          endpoint: try endpoint("203.0.113.5:51820"),
          lastHandshake: Timestamp(seconds: 1_800_000_000), handshakeNanoseconds: 1, receivedBytes: 5,
          sentBytes: 9)
      ])
  }

  @Test(
    "attributes whose length lies are refused",
    arguments: ["0000 0100", "0300 0100", "0900 0100 00000000", "0800 0100 000000", "ffff ffff"])
  func malformed(hex: String) { #expect(NetlinkAttribute.parse(bytes(hex: hex)[...]) == nil) }

  @Test("no cut or altered message is more than refused", arguments: UInt64(0)..<50)
  func robustness(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var message = WireGuardMessage.set(
      "pbxlink0",
      WireGuardSettings(peers: [.init(publicKey: try key(1), allowedIPs: [try prefix("10.77.0.2")])]))[0]
    for _ in 0..<4 {
      message[Int.random(in: 0..<message.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
    }
    let state = WireGuardMessage.device([
      Array(message.prefix(Int.random(in: 0...message.count, using: &random)))
    ])
    #expect((state?.peers.count ?? 0) <= 1)
  }
}

/// Netlink is in host byte order; the annotated bytes are those of x86-64 and arm64.
let isLittleEndian = 1.littleEndian == 1
