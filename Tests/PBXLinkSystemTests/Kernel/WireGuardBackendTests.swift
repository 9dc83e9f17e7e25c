// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import Testing

@testable import PBXLinkCore
@testable import PBXLinkSystem

@Suite(
  "WireGuard, whatever carries it",
  .enabled(if: NetworkNamespace.obstacle == nil, Comment(rawValue: NetworkNamespace.obstacle ?? "")))
struct WireGuardBackendTests {
  @Test(
    "the kernel's WireGuard is taken where there is one, and is tested here",
    .enabled(
      if: NetworkNamespace.kernelTunnelObstacle == nil,
      Comment(rawValue: NetworkNamespace.kernelTunnelObstacle ?? "")))
  func kernelIsTaken() async throws {
    try await NetworkNamespace.with(count: 1) { spaces in
      let kernel = try await spaces[0].inside { try RouteNetlink() }
      let choice = try await TunnelBackends.choose(.auto, kernel: kernel)
      #expect(choice.backend.name == .kernel && choice.reason == "the kernel has WireGuard")
      #expect(WireGuardSite.Carrier.available.contains(.kernel))
    }
  }

  @Test(
    "two sites reach each other over either family, a second look finds nothing to do, and wg agrees",
    arguments: WireGuardSite.Carrier.available, [IPAddress.Family.v4, .v6])
  func traffic(carrier: WireGuardSite.Carrier, underlay: IPAddress.Family) async throws {
    try await WireGuardSite.withPair(carrier, underlay: underlay) { one, two in
      #expect(try await one.observe() == nil)
      try await WireGuardSite.link(one, two)
      #expect(try await eventually { try await one.reaches(two) })
      #expect(try await one.reaches(two, over: .v6))
      #expect(try await two.reaches(one))
      #expect(try await one.changes([two.peer(reachable: true)]).isEmpty)
      #expect(try await two.changes([one.peer(reachable: false)]).isEmpty)

      let endpoint = try one.endpoint
      let seen = try #require(try await two.observe())
      #expect(seen.link == .up && seen.mtu == 1400 && seen.publicKey == two.key.publicKey)
      let peer = try #require(seen.peers[one.key.publicKey])
      #expect(peer.endpoint == endpoint, "learned from the handshake")
      #expect(peer.lastHandshake != nil && peer.receivedBytes > 0 && peer.sentBytes > 0)
      #expect(try await two.wg("public-key") == two.key.publicKey.wireGuardText + "\n")
      #expect(try await two.wg("listen-port") == "51820\n")
      let name = one.key.publicKey.wireGuardText
      #expect(try await two.wg("allowed-ips") == "\(name)\t10.77.0.1/32 fd77::1/128\n")
      #expect(try await two.wg("endpoints") == "\(name)\t\(endpoint)\n")
      #expect(try await one.wg("persistent-keepalive").hasSuffix("\t25\n"))
    }
  }

  @Test(
    "adding, changing or removing a peer touches that one only", arguments: WireGuardSite.Carrier.available)
  func peers(carrier: WireGuardSite.Carrier) async throws {
    try await WireGuardSite.withPair(carrier) { one, two in
      var other = TunnelPeer(
        publicKey: try X25519PrivateKey.generate().publicKey,
        allowedIPs: [try #require(IPPrefix("10.77.0.3"))])
      let peer = try two.peer(reachable: true)
      try await one.apply([peer])
      #expect(try await one.apply([peer, other]) == [.addPeer(other, takingOverFrom: [])])
      #expect(try await one.wg("peers").split(separator: "\n").count == 2)

      other.allowedIPs = [try #require(IPPrefix("10.77.0.4")), try #require(IPPrefix("10.78.0.0/24"))]
      other.keepalive = 25
      #expect(
        try await one.apply([peer, other])
          == [
            .updatePeer(
              .init(publicKey: other.publicKey, allowedIPs: other.allowedIPs, keepalive: 25),
              takingOverFrom: [])
          ])
      let line = try await one.wg("allowed-ips").split(separator: "\n").first {
        $0.hasPrefix(other.publicKey.wireGuardText)
      }
      #expect(
        line.map { Set($0.split { " \t".contains($0) }.dropFirst()) } == ["10.77.0.4/32", "10.78.0.0/24"])
      #expect(try await one.changes([peer, other]).isEmpty)

      #expect(try await one.apply([peer]) == [.removePeer(other.publicKey, replaced: false)])
      #expect(try await one.wg("peers") == peer.publicKey.wireGuardText + "\n")
      #expect(try await one.changes([peer]).isEmpty)
    }
  }

  @Test(
    "a peer's new key takes its addresses over, and traffic goes on",
    arguments: WireGuardSite.Carrier.available)
  func rotation(carrier: WireGuardSite.Carrier) async throws {
    try await WireGuardSite.withPair(carrier) { one, two in
      try await WireGuardSite.link(one, two)
      #expect(try await eventually { try await two.reaches(one) })
      let renewed = try two.withNewKey()
      let plan = try await one.apply([renewed.peer(reachable: true)])
      #expect(plan.map(\.expectedGap) == [.packets(6), .free])
      #expect(
        try await renewed.apply([one.peer(reachable: false)])
          == [.setKey(renewed.key.publicKey, replacing: true)])
      #expect(try await eventually { try await two.reaches(one) })
      #expect(try await one.reaches(two))
      #expect(try await one.changes([renewed.peer(reachable: true)]).isEmpty)
    }
  }

  @Test("another agent finds the tunnel as the first one left it", arguments: WireGuardSite.Carrier.available)
  func succession(carrier: WireGuardSite.Carrier) async throws {
    try await WireGuardSite.withPair(carrier) { one, two in
      try await one.apply([two.peer(reachable: true)])
      let successor = try await WireGuardSite.backend(carrier, in: one.space)
      let left = try await one.observe()
      #expect(try await successor.observe(interface: one.interface) == left)
      #expect(try await one.changes([two.peer(reachable: true)]).isEmpty)
    }
  }

  @Test(
    "what others change with ip and wg is undone by the next plan, and nothing else is touched",
    arguments: WireGuardSite.Carrier.available)
  func repair(carrier: WireGuardSite.Carrier) async throws {
    try await WireGuardSite.withPair(carrier) { one, two in
      let wanted = [try two.peer(reachable: true)]
      let key = wanted[0].publicKey
      try await WireGuardSite.link(one, two)
      #expect(try await eventually { try await one.reaches(two) })

      let stranger = try X25519PrivateKey.generate().publicKey
      try await one.space.exec(
        "wg", "set", one.interface, "listen-port", "4000", "peer", stranger.wireGuardText, "allowed-ips",
        "10.77.0.2/32,10.77.0.9/32", "peer", key.wireGuardText, "persistent-keepalive", "7")
      #expect(
        try await one.apply(wanted) == [
          .setListenPort(51820),
          .updatePeer(
            .init(publicKey: key, allowedIPs: wanted[0].allowedIPs, keepalive: 25), takingOverFrom: [stranger]
          ),
          .removePeer(stranger, replaced: false),
        ])
      #expect(try await eventually { try await one.reaches(two) })

      try await one.space.exec(
        "sh", "-c", "wg genkey | wg set \(one.interface) private-key /dev/stdin")
      #expect(try await one.apply(wanted) == [.setKey(one.key.publicKey, replacing: true)])
      try await one.space.exec("wg", "set", one.interface, "peer", key.wireGuardText, "remove")
      #expect(try await one.apply(wanted) == [.addPeer(wanted[0], takingOverFrom: [])])
      #expect(try await eventually { try await one.reaches(two) })

      try await one.space.ip("address", "delete", "10.77.0.1/32", "dev", one.interface)
      try await one.space.ip("link", "set", one.interface, "down", "mtu", "1300")
      let (addresses, routes) = (try one.addresses, try one.configuration(wanted).routes)
      #expect(
        Set(try await one.apply(wanted))
          == Set(
            [.setUp, .setMTU(1400)] + addresses.map { .addAddress(InterfaceAddress($0)) }
              + routes.map { .addRoute($0) }))
      #expect(try await eventually { try await one.reaches(two) })
      #expect(try await one.changes(wanted).isEmpty)
    }
  }

  @Test(
    "an interface that somebody deletes leaves the guards standing and is made again",
    arguments: WireGuardSite.Carrier.available)
  func deletion(carrier: WireGuardSite.Carrier) async throws {
    try await WireGuardSite.withPair(carrier) { one, two in
      let wanted = [try two.peer(reachable: true)]
      try await WireGuardSite.link(one, two)
      #expect(try await eventually { try await one.reaches(two) })
      try await one.space.ip("link", "delete", one.interface)
      let left = try #require(try await one.observe())
      #expect(left.link == .missing && left.guards.count == 2)
      #expect(try await !one.reaches(two))
      #expect(try await one.apply(wanted).first == .createLink)
      #expect(try await eventually { try await one.reaches(two) })
      #expect(try await one.changes(wanted).isEmpty)
    }
  }

  @Test(
    "what happened while events were lost is found by looking again", .timeLimit(.minutes(1)),
    arguments: WireGuardSite.Carrier.available)
  func resynchronisation(carrier: WireGuardSite.Carrier) async throws {
    try await WireGuardSite.withPair(carrier) { one, two in
      let wanted = [try two.peer(reachable: true)]
      try await one.apply(wanted)
      // A link and its address are two messages, of which only the first fits.
      let events = try await one.space.inside { try KernelEvents.stream(receiveBuffer: 1) }
      let flood = Task {
        while !Task.isCancelled {
          try await one.space.ip("link", "set", one.interface, "down")
          try await one.space.ip("link", "set", one.interface, "up")
        }
      }
      defer { flood.cancel() }
      let lost = await events.first { $0 == .overrun }
      flood.cancel()
      _ = await flood.result
      #expect(lost?.concerns(interface: one.interface) == true)
      #expect(try await !one.apply(wanted).isEmpty)
      #expect(try await one.changes(wanted).isEmpty)
    }
  }

  @Test("removal leaves no interface and no route", arguments: WireGuardSite.Carrier.available)
  func removal(carrier: WireGuardSite.Carrier) async throws {
    try await WireGuardSite.withPair(carrier) { one, two in
      try await one.apply([two.peer(reachable: true)])
      try await one.backend.remove(interface: one.interface)
      #expect(try await one.observe() == nil)
      #expect(try await one.space.ip("link", "show", "type", carrier.linkKind).isEmpty)
      for family in ["-4", "-6"] {
        #expect(try await one.space.ip(family, "route", "show", "table", "all", "proto", "201").isEmpty)
      }
      try await one.backend.remove(interface: one.interface)
    }
  }

  @Test(
    "a link of another kind under the name is replaced",
    arguments: WireGuardSite.Carrier.available, ["bridge", "tun"])
  func foreignLink(carrier: WireGuardSite.Carrier, kind: String) async throws {
    try await WireGuardSite.withPair(carrier) { one, two in
      if kind == "tun" {
        try await one.space.ip("tuntap", "add", one.interface, "mode", "tun")
      } else {
        try await one.space.ip("link", "add", one.interface, "type", kind)
      }
      #expect(try await one.observe()?.link == .foreign(kind: kind))
      #expect(try await one.apply([two.peer(reachable: true)]).contains(.removeLink))
      #expect(try await one.observe()?.link == .up)
      #expect(try await one.changes([two.peer(reachable: true)]).isEmpty)
    }
  }

  @Test("a port in use is named", arguments: WireGuardSite.Carrier.available)
  func portInUse(carrier: WireGuardSite.Carrier) async throws {
    try await WireGuardSite.withPair(carrier) { one, two in
      let any = ResolvedEndpoint(try #require(IPAddress("0.0.0.0")), port: 51820)
      let taken = try await one.space.inside { try TestDatagramSocket(boundTo: any) }
      await #expect {
        try await one.apply([two.peer(reachable: true)])
      } throws: {
        "\($0)".contains("Address already in use; another program has the port")
      }
      withExtendedLifetime(taken) {}
    }
  }
}
