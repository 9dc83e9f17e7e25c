// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@Suite("Tunnel configuration")
struct TunnelConfigurationTests: TunnelFixtures {
  @Test("our own key as a peer's is refused; the kernel would ignore the peer silently")
  func ownKey() throws {
    let own = try key(1)
    let peers = [TunnelPeer(publicKey: own, allowedIPs: [])]
    #expect(throws: TunnelConfigurationError.ownKeyAsPeer(own)) { try configuration(peers: peers) }
  }

  @Test("an allowed IP of two peers is refused; the kernel would move it silently")
  func sharedAllowedIP() throws {
    let shared = try prefix("10.77.0.2")
    let peers = try [2, 3].map { TunnelPeer(publicKey: try key($0), allowedIPs: [shared]) }
    #expect(throws: TunnelConfigurationError.sharedAllowedIP(shared, try key(2), try key(3))) {
      try configuration(peers: peers)
    }
  }

  @Test("a network behind a peer may hold the address of another one")
  func nestedAllowedIPs() throws {
    let peers = [
      TunnelPeer(publicKey: try key(2), allowedIPs: [try prefix("10.77.0.0/16")]),
      TunnelPeer(publicKey: try key(3), allowedIPs: [try prefix("10.77.0.3")]),
    ]
    #expect(try configuration(peers: peers).peers == peers)
  }

  @Test("the same key twice is refused")
  func duplicate() throws {
    let peers = try ["10.77.0.2", "10.77.0.3"].map {
      TunnelPeer(publicKey: try key(2), allowedIPs: [try prefix($0)])
    }
    #expect(throws: TunnelConfigurationError.duplicatePeer(try key(2))) { try configuration(peers: peers) }
  }

  @Test(
    "only interface names of ours are accepted",
    arguments: [
      ("pbxlink0", true), ("pbxlink", true), ("pbxlink-a-12345", true), ("pbxlink-a-123456", false),
      ("wg0", false),
      ("pbxlink_0", false), ("pbxlinkA", false), ("pbxlink/x", false), ("pbxlinkä", false), ("", false),
    ])
  func names(name: String, accepted: Bool) {
    #expect(TunnelConfiguration.isInterfaceName(name) == accepted)
    #expect(((try? configuration(interface: name)) != nil) == accepted)
  }

  @Test(
    "an MTU that IPv6 cannot live with is refused", arguments: [(1279, false), (1280, true), (65536, false)])
  func mtu(mtu: Int, accepted: Bool) { #expect(((try? configuration(mtu: mtu)) != nil) == accepted) }

  @Test("a network as an own address is refused")
  func network() throws {
    #expect(throws: TunnelConfigurationError.notAHostAddress(try prefix("10.77.0.0/24"))) {
      try configuration(addresses: ["10.77.0.0/24"])
    }
  }

  @Test("keys in messages are those that wg prints")
  func keyText() throws {
    let bytes = (UInt8(0)..<32).map { 0xff - $0 * 7 }
    #expect(PublicKey(bytes: bytes)?.wireGuardText == "//jx6uPc1c7HwLmyq6Sdlo+IgXpzbGVeV1BJQjs0LSY=")
  }
}
