// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite(
  "WireGuard in user space",
  .enabled(
    if: NetworkNamespace.tunnelObstacle == nil, Comment(rawValue: NetworkNamespace.tunnelObstacle ?? "")))
struct UserspaceWireGuardTests {
  /// One site: its namespace, keys and backend. Control sockets share a directory, hence names of their own.
  private struct Site {
    let space: NetworkNamespace
    let backend: UserspaceWireGuard
    let interface: String
    let number: Int
    let key: X25519PrivateKey

    init(_ space: NetworkNamespace, _ number: Int) async throws {
      self.space = space
      self.number = number
      key = try X25519PrivateKey.generate()
      interface = "pbxlink\(getpid() % 10_000)-\(space.number)"
      let kernel = try await space.inside { try RouteNetlink() }
      backend = try UserspaceWireGuard(kernel, command: ["ip", "netns", "exec", space.name, "wireguard-go"])
    }

    func peer(reachable: Bool) throws -> TunnelPeer {
      TunnelPeer(
        publicKey: key.publicKey,
        allowedIPs: [try #require(IPPrefix("10.77.0.\(number)")), try #require(IPPrefix("fd77::\(number)"))],
        endpoint: reachable ? Endpoint("192.0.2.\(number):51820").flatMap(ResolvedEndpoint.init) : nil,
        keepalive: reachable ? 25 : 0)
    }

    func configuration(_ peers: [TunnelPeer]) throws -> TunnelConfiguration {
      try TunnelConfiguration(
        interface: interface, privateKey: key.rawSecret, publicKey: key.publicKey, listenPort: 51820,
        addresses: [try #require(IPPrefix("10.77.0.\(number)")), try #require(IPPrefix("fd77::\(number)"))],
        mtu: 1400, peers: peers,
        routes: [try #require(IPPrefix("10.77.0.0/16")), try #require(IPPrefix("fd77::/64"))])
    }

    func changes(_ peers: [TunnelPeer]) async throws -> [TunnelChange] {
      PBXLinkCore.changes(
        from: try await backend.observe(interface: interface), to: try configuration(peers),
        at: Timestamp(seconds: Int64(time(nil))))
    }

    @discardableResult
    func apply(_ peers: [TunnelPeer]) async throws -> [TunnelChange] {
      let plan = try await changes(peers)
      try await backend.apply(plan, to: try configuration(peers))
      return plan
    }

    func wg(_ what: String) async throws -> String { try await space.exec("wg", "show", interface, what) }

    /// Whether a datagram to the other's tunnel address arrives there within a second.
    func reaches(_ other: Site, over family: IPAddress.Family = .v4) async throws -> Bool {
      let address = try #require(
        IPAddress(family == .v4 ? "10.77.0.\(other.number)" : "fd77::\(other.number)"))
      let target = ResolvedEndpoint(address, port: 7)
      let receiver = try await other.space.inside { try TestDatagramSocket(boundTo: target) }
      let sender = try await space.inside { try TestDatagramSocket(family: family) }
      guard sender.send(to: target) else { return false }
      return try await other.space.inside { receiver.receives() }
    }
  }

  /// Two sites on a cable.
  private func withSites(_ body: (Site, Site) async throws -> Void) async throws {
    try await NetworkNamespace.with(count: 2) { spaces in
      let sites = (try await Site(spaces[0], 1), try await Site(spaces[1], 2))
      try await spaces[0].ip(
        "link", "add", "wan", "type", "veth", "peer", "name", "wan", "netns", spaces[1].name)
      for (number, space) in spaces.enumerated() {
        try await space.ip("address", "add", "192.0.2.\(number + 1)/24", "dev", "wan")
        try await space.ip("link", "set", "wan", "up")
      }
      do {
        try await body(sites.0, sites.1)
      } catch {
        for site in [sites.0, sites.1] { try? await site.backend.remove(interface: site.interface) }
        throw error
      }
      for site in [sites.0, sites.1] { try await site.backend.remove(interface: site.interface) }
    }
  }

  @Test("two sites reach each other, a second look finds nothing to do, and wg agrees")
  func traffic() async throws {
    try await withSites { one, two in
      #expect(try await one.backend.observe(interface: one.interface) == nil)
      try await one.apply([two.peer(reachable: true)])
      try await two.apply([one.peer(reachable: false)])
      #expect(try await eventually { try await one.reaches(two) })
      #expect(try await one.reaches(two, over: .v6))
      #expect(try await two.reaches(one))
      #expect(try await one.changes([two.peer(reachable: true)]).isEmpty)
      #expect(try await two.changes([one.peer(reachable: false)]).isEmpty)

      let seen = try #require(try await two.backend.observe(interface: two.interface))
      #expect(seen.link == .up && seen.mtu == 1400 && seen.publicKey == two.key.publicKey)
      let peer = try #require(seen.peers[one.key.publicKey])
      #expect(peer.endpoint?.description == "192.0.2.1:51820", "learned from the handshake")
      #expect(peer.lastHandshake != nil && peer.receivedBytes > 0 && peer.sentBytes > 0)
      #expect(try await two.wg("public-key") == two.key.publicKey.wireGuardText + "\n")
      #expect(try await two.wg("listen-port") == "51820\n")
      #expect(
        try await two.wg("allowed-ips") == "\(one.key.publicKey.wireGuardText)\t10.77.0.1/32 fd77::1/128\n")
    }
  }

  @Test("adding or removing a peer touches that one only")
  func peers() async throws {
    try await withSites { one, two in
      let other = TunnelPeer(
        publicKey: try X25519PrivateKey.generate().publicKey,
        allowedIPs: [try #require(IPPrefix("10.77.0.3"))])
      let peer = try two.peer(reachable: true)
      try await one.apply([peer])
      #expect(try await one.apply([peer, other]) == [.addPeer(other, takingOverFrom: [])])
      #expect(try await one.wg("peers").split(separator: "\n").count == 2)
      #expect(try await one.apply([peer]) == [.removePeer(other.publicKey, replaced: false)])
      #expect(try await one.wg("peers") == peer.publicKey.wireGuardText + "\n")
      #expect(try await one.changes([peer]).isEmpty)
    }
  }

  @Test("a peer's new key takes its addresses over, and traffic goes on")
  func rotation() async throws {
    try await withSites { one, two in
      try await one.apply([two.peer(reachable: true)])
      try await two.apply([one.peer(reachable: true)])
      #expect(try await eventually { try await one.reaches(two) })
      let renewed = try await Site(two.space, 2)
      let plan = try await one.apply([renewed.peer(reachable: true)])
      #expect(plan.map(\.expectedGap) == [.packets(6), .free])
      #expect(
        try await renewed.apply([one.peer(reachable: true)])
          == [.setKey(renewed.key.publicKey, replacing: true)])
      #expect(try await eventually { try await one.reaches(two) })
      #expect(try await one.changes([renewed.peer(reachable: true)]).isEmpty)
    }
  }

  @Test("the tunnel lives in a session of its own and is found again by another agent")
  func detached() async throws {
    try await withSites { one, two in
      try await one.apply([two.peer(reachable: true)])
      let process = try #require(await one.space.processes().first)
      #expect(getsid(process) != getsid(0))
      let kernel = try await one.space.inside { try RouteNetlink() }
      let successor = try UserspaceWireGuard(kernel)
      let seen = try await successor.observe(interface: one.interface)
      #expect(
        changes(
          from: seen, to: try one.configuration([two.peer(reachable: true)]),
          at: Timestamp(seconds: Int64(time(nil)))
        ).isEmpty)
    }
  }

  @Test("a killed wireguard-go leaves the guards standing and is replaced")
  func death() async throws {
    try await withSites { one, two in
      try await one.apply([two.peer(reachable: true)])
      try await two.apply([one.peer(reachable: false)])
      #expect(try await eventually { try await one.reaches(two) })
      let events = try await one.space.inside { try KernelEvents.stream() }
      kill(try #require(await one.space.processes().first), SIGKILL)
      for await event in events {
        if case .link(one.interface, present: false, _) = event { break }
      }
      let left = try #require(try await one.backend.observe(interface: one.interface))
      #expect(left.link == .missing && left.guards.count == 2)
      #expect(try await !one.reaches(two))
      let plan = try await one.apply([two.peer(reachable: true)])
      #expect(plan.first == .createLink)
      #expect(try await eventually { try await one.reaches(two) })
      #expect(try await one.changes([two.peer(reachable: true)]).isEmpty)
    }
  }

  @Test("removal leaves no interface, route, socket or process")
  func removal() async throws {
    try await withSites { one, two in
      try await one.apply([two.peer(reachable: true)])
      try await one.backend.remove(interface: one.interface)
      #expect(try await one.backend.observe(interface: one.interface) == nil)
      #expect(try await one.space.ip("route", "show", "proto", "201").isEmpty)
      #expect(access("/run/wireguard/\(one.interface).sock", F_OK) != 0)
      #expect(try await eventually { await one.space.processes().isEmpty })
      try await one.backend.remove(interface: one.interface)
    }
  }

  @Test("a link of another kind under the name is replaced")
  func foreignLink() async throws {
    try await withSites { one, two in
      try await one.space.ip("link", "add", one.interface, "type", "bridge")
      #expect(try await one.backend.observe(interface: one.interface)?.link == .foreign(kind: "bridge"))
      #expect(try await one.apply([two.peer(reachable: true)]).contains(.removeLink))
      #expect(try await one.backend.observe(interface: one.interface)?.link == .up)
      #expect(try await one.changes([two.peer(reachable: true)]).isEmpty)
    }
  }

  @Test("a port in use is named")
  func portInUse() async throws {
    try await withSites { one, two in
      let taken = try await one.space.inside {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(51820).bigEndian
        let result = withUnsafePointer(to: &address) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
          }
        }
        return result == 0 ? descriptor : -1
      }
      try #require(taken >= 0)
      defer { close(taken) }
      await #expect {
        try await one.apply([two.peer(reachable: true)])
      } throws: {
        "\($0)".contains("Address already in use; another program has the port")
      }
    }
  }
}
