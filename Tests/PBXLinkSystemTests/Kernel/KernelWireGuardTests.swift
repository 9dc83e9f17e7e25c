// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@testable import PBXLinkSystem

/// Peers that nobody is behind, each with an endpoint and two addresses.
func crowd(_ count: Int) -> [TunnelPeer] {
  var random = SplitMix64(seed: 1)
  return (0..<count).compactMap { number in
    let key = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
    guard let key = PublicKey(bytes: key) else { return nil }
    let (host, bits) = (UInt128(number), UInt128(0xfd77) << 112)
    return TunnelPeer(
      publicKey: key,
      allowedIPs: [
        IPPrefix(host: IPAddress(family: .v4, value: 0x0a4d_1000 + host)),
        IPPrefix(host: IPAddress(family: .v6, value: bits + 0x1000 + host)),
      ],
      endpoint: ResolvedEndpoint(IPAddress(family: .v4, value: 0xc633_6400), port: 51820))
  }
}

@Suite(
  "WireGuard in the kernel",
  .enabled(
    if: NetworkNamespace.kernelTunnelObstacle == nil,
    Comment(rawValue: NetworkNamespace.kernelTunnelObstacle ?? "")))
struct KernelWireGuardTests {
  /// Passes everything on and keeps what was set.
  private actor Recorder: WireGuardDevice {
    nonisolated let linkKind = "wireguard"
    private let device: WireGuardNetlink
    private var sent: [WireGuardSettings] = []

    init(_ device: WireGuardNetlink) { self.device = device }

    func create(_ interface: String) async throws { try await device.create(interface) }
    func delete(_ interface: String) async throws { try await device.delete(interface) }
    func state(_ interface: String) async throws -> WireGuardState? { try await device.state(interface) }
    func configure(_ interface: String, _ settings: WireGuardSettings) async throws {
      sent.append(settings)
      try await device.configure(interface, settings)
    }
    func takeSent() -> [WireGuardSettings] {
      defer { sent = [] }
      return sent
    }
  }

  @Test("a thousand peers are set, read back and need nothing more, and wg agrees")
  func thousand() async throws {
    try await WireGuardSite.withPair(.kernel) { one, _ in
      let peers = crowd(1000)
      try await one.apply(peers)
      let seen = try #require(try await one.observe())
      #expect(
        seen.peers
          == Dictionary(
            uniqueKeysWithValues: peers.map {
              ($0.publicKey, ObservedTunnel.Peer(allowedIPs: $0.allowedIPs, endpoint: $0.endpoint))
            }))
      #expect(try await one.changes(peers).isEmpty)
      let lines = try await one.wg("allowed-ips").split(separator: "\n").map { line in
        line.split { "\t ".contains($0) }.map(String.init)
      }
      #expect(
        Set(lines.map { Set($0) })
          == Set(peers.map { Set([$0.publicKey.wireGuardText] + $0.allowedIPs.map(\.description)) }))
    }
  }

  @Test("a peer with more addresses than a message holds keeps them all")
  func manyAddresses() async throws {
    try await WireGuardSite.withPair(.kernel) { one, _ in
      var peer = crowd(1)[0]
      peer.allowedIPs = Set(
        (0..<1000).map { IPPrefix(host: IPAddress(family: .v4, value: 0x0a4e_0000 + $0)) })
      try await one.apply([peer])
      #expect(try await one.observe()?.peers[peer.publicKey]?.allowedIPs == peer.allowedIPs)
      peer.allowedIPs = Set(peer.allowedIPs.sorted().dropFirst(300))
      #expect(try await one.apply([peer]).count == 1)
      #expect(try await one.observe()?.peers[peer.publicKey]?.allowedIPs == peer.allowedIPs)
      #expect(try await one.changes([peer]).isEmpty)
    }
  }

  @Test("one of a thousand is sent alone, and the others' handshakes and counters go on")
  func oneOfThousand() async throws {
    try await WireGuardSite.withPair(.kernel) { one, two in
      let recorder = Recorder(try await one.space.inside { try WireGuardNetlink(RouteNetlink()) })
      let plane = WireGuardPlane(kernel: try await one.space.inside { try RouteNetlink() }, device: recorder)
      var peers = crowd(999)
      let link = try two.peer(reachable: true)
      try await two.apply([one.peer(reachable: false)])
      try await one.apply([link] + peers)
      #expect(try await eventually { try await one.reaches(two) })
      let before = try #require(try await one.observe()?.peers[link.publicKey])

      func expectOnly(_ settings: WireGuardSettings.Peer) async throws {
        let plan = try await one.changes([link] + peers)
        try await plane.apply(plan, to: try one.configuration([link] + peers))
        let sent = await recorder.takeSent()
        #expect(sent == [WireGuardSettings(peers: [settings])])
        #expect(sent.map { WireGuardMessage.set(one.interface, $0).count } == [1])
        #expect(try await one.reaches(two))
      }
      peers[500].keepalive = 25
      try await expectOnly(.init(publicKey: peers[500].publicKey, updateOnly: true, keepalive: 25))
      let gone = peers.removeLast()
      try await expectOnly(.init(publicKey: gone.publicKey, remove: true))
      peers.append(gone)
      try await expectOnly(
        .init(
          publicKey: gone.publicKey, allowedIPs: gone.allowedIPs, endpoint: gone.endpoint, keepalive: 0))

      #expect(try await one.changes([link] + peers).isEmpty)
      let after = try #require(try await one.observe()?.peers[link.publicKey])
      #expect(before.lastHandshake == after.lastHandshake && before.endpoint == after.endpoint)
      #expect(after.sentBytes > before.sentBytes)
    }
  }
}
