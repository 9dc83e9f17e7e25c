// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

/// One site: its namespace, keys and backend.
struct WireGuardSite {
  /// What carries its tunnel.
  enum Carrier: String, Sendable, CustomTestStringConvertible {
    case kernel, userspace

    /// Those that can be tested here.
    static let available: [Carrier] =
      (NetworkNamespace.kernelTunnelObstacle == nil ? [.kernel] : [])
      + (NetworkNamespace.tunnelObstacle == nil ? [.userspace] : [])

    /// The kind of its links.
    var linkKind: String { self == .kernel ? "wireguard" : "tun" }

    var testDescription: String { rawValue }
  }

  let space: NetworkNamespace
  let backend: any TunnelBackend
  let interface: String
  let number: Int
  private(set) var key: X25519PrivateKey
  let underlay: IPAddress.Family

  init(
    _ space: NetworkNamespace, _ number: Int, _ carrier: Carrier, underlay: IPAddress.Family = .v4
  ) async throws {
    self.space = space
    self.number = number
    self.underlay = underlay
    key = try X25519PrivateKey.generate()
    // The control sockets of wireguard-go share a directory, hence names of their own.
    interface = "pbxlink\(getpid() % 10_000)-\(space.number)"
    backend = try await Self.backend(carrier, in: space)
  }

  /// A backend as an agent in the namespace has it.
  static func backend(_ carrier: Carrier, in space: NetworkNamespace) async throws -> any TunnelBackend {
    try await space.inside {
      let kernel = try RouteNetlink()
      return switch carrier {
      case .kernel: try KernelWireGuard(kernel)
      case .userspace:
        try UserspaceWireGuard(kernel, command: ["ip", "netns", "exec", space.name, "wireguard-go"])
      }
    }
  }

  /// Two sites on a cable that knows only one family.
  static func withPair(
    _ carrier: Carrier, underlay: IPAddress.Family = .v4, _ body: (Self, Self) async throws -> Void
  ) async throws {
    try await NetworkNamespace.with(count: 2) { spaces in
      let sites = [
        try await Self(spaces[0], 1, carrier, underlay: underlay),
        try await Self(spaces[1], 2, carrier, underlay: underlay),
      ]
      try await spaces[0].ip(
        "link", "add", "wan", "type", "veth", "peer", "name", "wan", "netns", spaces[1].name)
      for site in sites {
        switch underlay {
        case .v4: try await site.space.ip("address", "add", "192.0.2.\(site.number)/24", "dev", "wan")
        case .v6:
          // A tentative address could not be used yet.
          try await site.space.ip("address", "add", "2001:db8::\(site.number)/64", "dev", "wan", "nodad")
        }
        try await site.space.ip("link", "set", "wan", "up")
      }
      do {
        try await body(sites[0], sites[1])
      } catch {
        for site in sites { try? await site.backend.remove(interface: site.interface) }
        throw error
      }
      for site in sites { try await site.backend.remove(interface: site.interface) }
    }
  }

  /// Makes the tunnel between two sites. Who is called is ready first: a handshake that nobody answers is
  /// repeated after 5 s only.
  static func link(_ caller: Self, _ called: Self) async throws {
    try await called.apply([caller.peer(reachable: false)])
    try await caller.apply([called.peer(reachable: true)])
  }

  /// The same site after it has changed its key.
  func withNewKey() throws -> Self {
    var renewed = self
    renewed.key = try X25519PrivateKey.generate()
    return renewed
  }

  /// Where the site is on the cable.
  var endpoint: ResolvedEndpoint {
    get throws {
      let text = underlay == .v4 ? "192.0.2.\(number)" : "2001:db8::\(number)"
      return ResolvedEndpoint(try #require(IPAddress(text)), port: 51820)
    }
  }

  var addresses: [IPPrefix] {
    get throws { [try #require(IPPrefix("10.77.0.\(number)")), try #require(IPPrefix("fd77::\(number)"))] }
  }

  func peer(reachable: Bool) throws -> TunnelPeer {
    TunnelPeer(
      publicKey: key.publicKey, allowedIPs: Set(try addresses), endpoint: reachable ? try endpoint : nil,
      keepalive: reachable ? 25 : 0)
  }

  func configuration(_ peers: [TunnelPeer]) throws -> TunnelConfiguration {
    try TunnelConfiguration(
      interface: interface, privateKey: key.rawSecret, publicKey: key.publicKey, listenPort: 51820,
      addresses: addresses, mtu: 1400, peers: peers,
      routes: [try #require(IPPrefix("10.77.0.0/16")), try #require(IPPrefix("fd77::/64"))])
  }

  func observe() async throws -> ObservedTunnel? { try await backend.observe(interface: interface) }

  func changes(_ peers: [TunnelPeer]) async throws -> [TunnelChange] {
    PBXLinkCore.changes(
      from: try await observe(), to: try configuration(peers), at: Timestamp(seconds: Int64(time(nil))))
  }

  @discardableResult
  func apply(_ peers: [TunnelPeer]) async throws -> [TunnelChange] {
    let plan = try await changes(peers)
    try await backend.apply(plan, to: try configuration(peers))
    return plan
  }

  func wg(_ what: String) async throws -> String { try await space.exec("wg", "show", interface, what) }

  /// Whether a datagram to the other's tunnel address arrives there within a second.
  func reaches(_ other: Self, over family: IPAddress.Family = .v4) async throws -> Bool {
    let address = try #require(
      IPAddress(family == .v4 ? "10.77.0.\(other.number)" : "fd77::\(other.number)"))
    let target = ResolvedEndpoint(address, port: 7)
    let receiver = try await other.space.inside { try TestDatagramSocket(boundTo: target) }
    let sender = try await space.inside { try TestDatagramSocket(family: family) }
    guard sender.send(to: target) else { return false }
    return try await other.space.inside { receiver.receives() }
  }
}
