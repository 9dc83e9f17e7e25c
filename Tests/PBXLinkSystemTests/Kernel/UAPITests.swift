// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("WireGuard's userspace protocol")
struct UAPITests {
  private let hex = String(repeating: "bb", count: 32)

  private func key(_ number: UInt8) throws -> PublicKey {
    try #require(PublicKey(bytes: Array(repeating: number, count: 32)))
  }

  @Test("settings are written line by line, and nil is not written")
  func request() throws {
    let settings = WireGuardSettings(
      privateKey: Secret(Array(repeating: 0xaa, count: 32)), listenPort: 51820,
      peers: [
        .init(
          publicKey: try key(0xbb), updateOnly: true,
          allowedIPs: [try #require(IPPrefix("fd00::/64")), try #require(IPPrefix("10.77.0.2"))],
          endpoint: Endpoint("[2001:db8::5]:4000").flatMap(ResolvedEndpoint.init), keepalive: 0),
        .init(publicKey: try key(0xcc), remove: true),
      ])
    #expect(
      UAPI.set(settings) == """
        set=1
        private_key=\(String(repeating: "aa", count: 32))
        listen_port=51820
        public_key=\(hex)
        update_only=true
        endpoint=[2001:db8::5]:4000
        persistent_keepalive_interval=0
        replace_allowed_ips=true
        allowed_ip=10.77.0.2/32
        allowed_ip=fd00::/64
        public_key=\(String(repeating: "cc", count: 32))
        remove=true


        """)
    #expect(UAPI.set(WireGuardSettings(listenPort: 1)) == "set=1\nlisten_port=1\n\n")
  }

  @Test("an answer is read, the device's public key from its private one (RFC 7748 §6.1)")
  func answer() throws {
    let text = """
      private_key=77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a
      listen_port=51820
      public_key=\(hex)
      preshared_key=\(String(repeating: "0", count: 64))
      protocol_version=1
      endpoint=203.0.113.5:51820
      last_handshake_time_sec=1800000000
      last_handshake_time_nsec=7
      tx_bytes=9
      rx_bytes=5
      persistent_keepalive_interval=25
      allowed_ip=10.77.0.2/32
      errno=0


      """
    let state = try UAPI.state(text, of: "pbxlink0")
    let alice = bytes(hex: "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    #expect(state.publicKey?.bytes == alice)
    #expect(state.listenPort == 51820)
    #expect(
      state.peers == [
        try key(0xbb): ObservedTunnel.Peer(
          allowedIPs: [try #require(IPPrefix("10.77.0.2"))],
          endpoint: Endpoint("203.0.113.5:51820").flatMap(ResolvedEndpoint.init), keepalive: 25,
          lastHandshake: Timestamp(seconds: 1_800_000_000), handshakeNanoseconds: 7, receivedBytes: 5,
          sentBytes: 9)
      ])
  }

  @Test("a refusal names what was done, where, and why")
  func refusal() {
    #expect {
      try UAPI.check("errno=98\n\n", "configure WireGuard", "pbxlink0")
    } throws: { error in
      "\(error)".hasPrefix("cannot configure WireGuard on pbxlink0: Address already in use; another program")
    }
  }

  @Test("an answer without its end is refused")
  func cutOff() {
    #expect(throws: KernelError.self) { try UAPI.state("listen_port=51820\n", of: "pbxlink0") }
  }
}
