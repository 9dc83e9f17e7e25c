// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@testable import PBXLinkSystem

/// A site with an interface for each path, the same address on both, and a route through one of them.
struct ProbeOffice {
  static let port: UInt16 = 4571
  static let interfaces: [TunnelPath: String] = [.wireguard: "one", .openvpnTCP: "two"]

  let space: NetworkNamespace
  let address: IPAddress
  let probes: PathProbes

  init(_ space: NetworkNamespace, _ address: String) throws {
    self.space = space
    self.address = try #require(IPAddress(address))
    let name = space.name
    let interval = Duration.milliseconds(40)
    let timing = BFDSession.Timing(transmit: interval, receive: interval, multiplier: 5)
    probes = PathProbes(port: Self.port, timing: timing) {
      interface, local, port throws(DatagramError) in
      // The actor's threads are not ours.
      try NetworkNamespace.visit(name) { () throws(DatagramError) in
        try DatagramSocket(interface: interface, local: local, port: port)
      }
    }
  }

  func target(_ path: TunnelPath, of other: ProbeOffice) throws -> ProbeTarget {
    let site = try #require(SiteName("other"))
    let interface = try #require(Self.interfaces[path])
    return try #require(
      ProbeTarget(site: site, path: path, interface: interface, peer: other.address, local: address))
  }

  func condition(_ path: TunnelPath) async -> PathState.Condition? {
    await probes.states.values.first?[path]?.condition
  }

  func become(_ wireguard: PathState.Condition, _ openvpn: PathState.Condition) async throws -> Bool {
    try await eventually {
      let found = (await condition(.wireguard), await condition(.openvpnTCP))
      return found == (wireguard, openvpn)
    }
  }

  func nft(_ ruleset: String...) async throws {
    for line in ruleset { try await space.exec("nft", line) }
  }

  /// Drops what arrives on an interface.
  func cut(_ interface: String) async throws {
    try await nft(
      "add table inet cut", "add chain inet cut input { type filter hook input priority 0; }",
      "add rule inet cut input iifname \(interface) drop")
  }

  static func cable(_ one: Self, _ two: Self, _ name: String) async throws {
    try await one.space.ip("link", "add", name, "type", "veth", "peer", "name", name, "netns", two.space.name)
    for office in [one, two] {
      try await office.space.ip("address", "add", "\(office.address)/32", "dev", name)
      // Loose, as on the interfaces of the tunnels: what comes by the path not in use has no route back.
      try await office.space.exec("sysctl", "-qw", "net.ipv4.conf.\(name).rp_filter=2")
      try await office.space.ip("link", "set", name, "up")
    }
  }

  /// Two offices with two cables; their routes lead through different ones. `probing` of them probe and answer.
  static func withTwo(probing: Int = 2, _ body: (Self, Self) async throws -> Void) async throws {
    try await NetworkNamespace.with(count: 2) { spaces in
      let one = try Self(spaces[0], "10.77.0.1")
      let two = try Self(spaces[1], "10.77.0.2")
      for name in Self.interfaces.values { try await Self.cable(one, two, name) }
      for (office, other, interface) in [(one, two, "one"), (two, one, "two")] {
        try await office.space.ip("route", "add", "unreachable", "10.77.0.0/16", "metric", "1000000")
        try await office.space.ip("route", "add", "\(other.address)/32", "dev", interface)
      }
      try await withThrowingTaskGroup { group in
        let probers = [one, two].prefix(probing)
        for office in probers { group.addTask { try await office.probes.run() } }
        defer { group.cancelAll() }
        for (office, other) in zip(probers, [two, one]) {
          await office.probes.watch(try [.wireguard, .openvpnTCP].map { try office.target($0, of: other) })
        }
        try await body(one, two)
      }
    }
  }
}
