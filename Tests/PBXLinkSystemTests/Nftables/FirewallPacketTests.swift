// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite(
  "The firewall on real packets", .serialized,
  .enabled(if: PacketLab.unavailable == nil, Comment(rawValue: PacketLab.unavailable ?? "")))
struct FirewallPacketTests {
  /// 10.77.0.2 is a member, .4 invited, .3 neither; 192.0.2.3 may speak IAX2, 192.0.2.2 may not.
  private func withLab(_ body: (PacketLab) async throws -> Void) async throws {
    try await PacketLab.run { lab in
      try await lab.connect(
        .peer, interface: "pbxlink0", site: ["10.77.0.1/24", "fd5a::1/64"],
        other: ["10.77.0.2/24", "10.77.0.3/24", "10.77.0.4/24", "fd5a::2/64", "fd5a::3/64"])
      try await lab.connect(
        .lan, interface: "lan0", site: ["192.0.2.1/24", "2001:db8::1/64"],
        other: ["192.0.2.2/24", "192.0.2.3/24", "2001:db8::2/64", "2001:db8::3/64"])
      try await body(lab)
    }
  }

  @Test("through the tunnel: members reach their ports, invited sites the exchange, strangers nothing")
  func tunnel() async throws {
    try await withLab { lab in
      let ports: [(PacketLab.Transport, UInt16)] = [
        (.udp, 4569), (.udp, 4571), (.tcp, 4570), (.udp, 4570), (.tcp, 4569), (.tcp, 5038), (.udp, 53),
        (.tcp, 22),
      ]
      func open(from source: String, to destination: String) throws -> [String] {
        try ports.filter {
          try lab.reaches($0.0, from: source, in: .peer, to: destination, port: $0.1)
        }.map { "\($0.0) \($0.1)" }
      }
      let all = ports.map { "\($0.0) \($0.1)" }
      #expect(try open(from: "10.77.0.3", to: "10.77.0.1") == all, "without a table everything passes")
      try await lab.nftables.apply(NftablesTests.configuration)
      #expect(try open(from: "10.77.0.2", to: "10.77.0.1") == ["udp 4569", "udp 4571", "tcp 4570"])
      #expect(try open(from: "fd5a::2", to: "fd5a::1") == ["udp 4569", "udp 4571", "tcp 4570"])
      #expect(try open(from: "10.77.0.4", to: "10.77.0.1") == ["tcp 4570"])
      #expect(try open(from: "10.77.0.3", to: "10.77.0.1") == [])
      #expect(try open(from: "fd5a::3", to: "fd5a::1") == [])
      // By way of the site's other addresses too.
      #expect(try lab.reaches(.udp, from: "10.77.0.2", in: .peer, to: "10.77.0.1", port: 4569))
      let counters = try #require(try await lab.nftables.counters())
      #expect(counters.named[.memberIAX]?.packets == 3)
      #expect(counters.named[.stranger].map { $0.packets >= 16 } == true)
      let member = try #require(IPAddress("10.77.0.2"))
      #expect(counters.sources[member].map { $0.packets > 8 } == true)
    }
  }

  @Test("an interface of one peer lets that peer's addresses in and no other member's")
  func peerInterface() async throws {
    try await withLab { lab in
      try await lab.ip(in: .site, "link", "set", "lan0", "down")
      try await lab.ip(in: .site, "link", "set", "lan0", "name", "pbxlink-5")
      try await lab.ip(in: .site, "link", "set", "pbxlink-5", "up")
      for address in ["10.77.0.2/24", "10.77.0.5/24", "10.77.0.4/24"] {
        try await lab.ip(in: .lan, "address", "add", address, "dev", "eth0")
      }
      try await lab.ip(in: .lan, "route", "add", "10.77.0.1/32", "dev", "eth0")
      // Answers to markers go by the way that the sender came.
      for path in ["all", "default", "pbxlink-5"] {
        _ = try await lab.sysctl("net.ipv4.conf.\(path).rp_filter=0")
      }
      var configuration = NftablesTests.configuration
      configuration.peerInterfaces = [
        .init(name: "pbxlink-5", addresses: NftablesTests.addresses("10.77.0.5"))
      ]
      try await lab.nftables.apply(configuration)
      func reaches(_ source: String, _ port: UInt16) throws -> Bool {
        try lab.reaches(.udp, from: source, in: .lan, to: "10.77.0.1", port: port)
      }
      #expect(try reaches("10.77.0.5", 4569))
      #expect(try !reaches("10.77.0.5", 5060), "only what members may reach")
      #expect(try !reaches("10.77.0.2", 4569), "another member")
      #expect(try !reaches("10.77.0.4", 4570), "an invited one")
      #expect(try lab.reaches(.udp, from: "10.77.0.2", in: .peer, to: "10.77.0.1", port: 4569))
      let counters = try #require(try await lab.nftables.counters())
      #expect(counters.named[.stranger]?.packets == 2)
      let source = try #require(IPAddress("10.77.0.5"))
      #expect(counters.sources[source]?.packets == 2)
      configuration.peerInterfaces = [
        .init(name: "pbxlink-5", addresses: NftablesTests.addresses("10.77.0.4"))
      ]
      try await lab.nftables.apply(configuration)
      try await lab.ip(in: .site, "route", "add", "10.77.0.4/32", "dev", "pbxlink-5")
      #expect(try !reaches("10.77.0.4", 4569), "an invited one reaches the exchange and nothing else")
      #expect(
        try lab.reaches(.tcp, from: "10.77.0.4", in: .lan, to: "10.77.0.1", port: 4570))
    }
  }

  @Test("what leaves from the tunnel's port is marked as voice on the wire, IPv4 and IPv6; nothing else is")
  func voiceMark() async throws {
    try await withLab { lab in
      _ = try await lab.nft(
        in: .lan,
        "table inet wire { chain in { type filter hook prerouting priority raw; "
          + "ip dscp ef counter; ip6 dscp ef counter; }; }")
      try await lab.nftables.apply(NftablesTests.configuration)
      func marked() async throws -> [Int] {
        try await lab.nft(in: .lan, "list table inet wire").split(separator: "\n").compactMap { line in
          let words = line.split(separator: " ")
          return words.firstIndex(of: "packets").flatMap { Int(words[$0 + 1]) }
        }
      }
      let ends = [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")]
      for (number, (source, destination)) in ends.enumerated() {
        for port in [UInt16(51820), 4999] {
          #expect(
            try lab.reaches(
              .udp, from: source, sourcePort: port, in: .site, to: destination, port: 51820, at: .lan))
        }
        #expect(try await marked() == (number == 0 ? [1, 0] : [1, 1]))
      }
    }
  }

  @Test("beside the tunnel: IAX2 from allowed sources and loopback only, tunnel addresses from nobody")
  func outside() async throws {
    try await withLab { lab in
      try await lab.ip(in: .lan, "route", "add", "10.77.0.1/32", "via", "192.0.2.1")
      try await lab.ip(in: .lan, "address", "add", "10.77.0.2/32", "dev", "lo")
      try await lab.nftables.apply(NftablesTests.configuration)
      func reaches(_ source: String, _ destination: String, _ port: UInt16) throws -> Bool {
        try lab.reaches(.udp, from: source, in: .lan, to: destination, port: port)
      }
      #expect(try !reaches("192.0.2.2", "192.0.2.1", 4569))
      #expect(try !reaches("2001:db8::2", "2001:db8::1", 4569))
      #expect(try reaches("192.0.2.3", "192.0.2.1", 4569))
      #expect(try reaches("2001:db8::3", "2001:db8::1", 4569))
      #expect(try reaches("192.0.2.2", "192.0.2.1", 5060), "other ports are not ours to close")
      #expect(try lab.reaches(.udp, from: "127.0.0.1", in: .site, to: "127.0.0.1", port: 4569))
      #expect(try lab.reaches(.udp, from: "10.77.0.1", in: .site, to: "10.77.0.1", port: 4569))
      // A member's address on the wrong interface, and our tunnel address asked from the wrong side.
      #expect(try !reaches("10.77.0.2", "192.0.2.1", 5060))
      #expect(try !reaches("192.0.2.3", "10.77.0.1", 4569))
      #expect(try !reaches("192.0.2.2", "10.77.0.1", 4570))
      let counters = try #require(try await lab.nftables.counters())
      #expect(counters.named[.outsideIAX]?.packets == 2)
      #expect(counters.named[.spoofed]?.packets == 3)
      var open = NftablesTests.configuration
      open.protectIAX = false
      try await lab.nftables.apply(open)
      #expect(try reaches("192.0.2.2", "192.0.2.1", 4569))
    }
  }

  @Test("without its tunnel a packet to a member does not leave by another interface")
  func failsClosed() async throws {
    try await withLab { lab in
      func leaves(_ destination: String, _ port: UInt16) throws -> Bool {
        let source = destination.contains(":") ? "2001:db8::1" : "192.0.2.1"
        return try lab.reaches(.udp, from: source, in: .site, to: destination, port: port, at: .lan)
      }
      for (address, gateway) in [("10.77.9.9", "192.0.2.2"), ("fd5a::99", "2001:db8::2")] {
        try await lab.ip(in: .lan, "address", "add", address, "dev", "lo")
        try await lab.ip(in: .site, "route", "add", address, "via", gateway)
        #expect(try leaves(address, 4569), "without a table it leaves")
      }
      try await lab.nftables.apply(NftablesTests.configuration)
      for (address, port) in [
        ("10.77.9.9", 4569), ("fd5a::99", 4569), ("10.77.9.9", 4571), ("10.77.9.9", 4999),
      ] {
        #expect(try !leaves(address, UInt16(port)))
      }
      #expect(try leaves("192.0.2.2", 4569), "other destinations are free")
      #expect(try lab.reaches(.udp, from: "10.77.0.1", in: .site, to: "10.77.0.2", port: 4569, at: .peer))
      #expect(try await lab.nftables.counters()?.named[.leaked]?.packets == 4)
    }
  }

  @Test("nothing is routed into or out of the tunnel")
  func forwarding() async throws {
    try await withLab { lab in
      _ = try await lab.sysctl("net.ipv4.ip_forward=1")
      try await lab.ip(in: .lan, "route", "add", "10.77.0.0/24", "via", "192.0.2.1")
      try await lab.ip(in: .peer, "route", "add", "192.0.2.0/24", "via", "10.77.0.1")
      let into = {
        try lab.reaches(.udp, from: "192.0.2.3", in: .lan, to: "10.77.0.2", port: 4569, at: .peer)
      }
      let out = { try lab.reaches(.udp, from: "10.77.0.2", in: .peer, to: "192.0.2.2", port: 4569, at: .lan) }
      #expect(try into() && out(), "without a table it is routed")
      try await lab.nftables.apply(NftablesTests.configuration)
      #expect(try !into())
      #expect(try !out())
      #expect(try await lab.nftables.counters()?.named[.forwarded]?.packets == 2)
    }
  }

  @Test("a revoked member's open connection is cut, another member's goes on through the change")
  func revocation() async throws {
    try await withLab { lab in
      try await lab.ip(in: .peer, "address", "add", "10.77.0.5/24", "dev", "eth0")
      try await lab.nftables.apply(NftablesTests.configuration)
      let revoked = try lab.connection(from: "10.77.0.2", in: .peer, to: "10.77.0.1", port: 4570)
      let other = try lab.connection(from: "10.77.0.5", in: .peer, to: "10.77.0.1", port: 4570)
      revoked.send("before")
      #expect(await eventually { revoked.arrived() } == "before")
      var configuration = NftablesTests.configuration
      configuration.members.removeAll { $0 == IPAddress("10.77.0.2") }
      try await lab.nftables.apply(configuration)
      revoked.send("after")
      other.send("on")
      #expect(await eventually { other.arrived() } == "on")
      #expect(
        await eventually {
          try? await lab.nftables.counters()?.named[.stranger].flatMap { $0.packets > 0 ? true : nil }
        } == true)
      #expect(revoked.arrived() == nil)
      // Let in again, the retransmission arrives: the silence was the firewall's doing.
      try await lab.nftables.apply(NftablesTests.configuration)
      #expect(await eventually { revoked.arrived() } == "after")
    }
  }

  /// Asks again until there is an answer; the bound only ends a test that fails.
  private func eventually<Value>(_ question: () async -> Value?) async -> Value? {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(30)
    while clock.now < end {
      if let answer = await question() { return answer }
      await Task.yield()
    }
    return nil
  }
}
