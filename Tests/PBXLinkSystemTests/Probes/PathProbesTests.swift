// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import CLinux
import Glibc
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite(
  "Probes of paths",
  .enabled(if: NetworkNamespace.obstacle == nil, Comment(rawValue: NetworkNamespace.obstacle ?? "")))
struct PathProbesTests {
  @Test("each path is measured on its own, whatever the routes say: cut, it is down, and healed, up")
  func cutAndHealed() async throws {
    try await ProbeOffice.withTwo { one, two in
      #expect(try await one.become(.up, .up))
      #expect(try await two.become(.up, .up))
      let roundTrip = await one.probes.states.values.first?[.openvpnTCP]?.roundTrip
      #expect(roundTrip.map { $0 > .zero } == true)
      // The path in use and the other one are cut in turn, each in one direction only.
      for (path, interface) in ProbeOffice.interfaces.sorted(by: { $0.value < $1.value }) {
        try await two.cut(interface)
        let (wireguard, openvpn): (PathState.Condition, PathState.Condition) =
          path == .wireguard ? (.down, .up) : (.up, .down)
        #expect(try await one.become(wireguard, openvpn))
        #expect(try await two.become(wireguard, openvpn))
        try await two.nft("delete table inet cut")
        #expect(try await one.become(.up, .up))
        #expect(try await two.become(.up, .up))
      }
    }
  }

  @Test("what is lost is told by direction, at both ends, and what is not lost is not")
  func losses() async throws {
    try await ProbeOffice.withTwo { one, two in
      #expect(try await one.become(.up, .up))
      #expect(try await two.become(.up, .up))
      // Each fifth probe of one's that arrives, and each tenth answer to two's that leaves again.
      try await two.nft(
        "add table inet loss", "add chain inet loss input { type filter hook input priority 0; }",
        "add rule inet loss input iifname one udp dport 4571 numgen inc mod 5 == 0 drop",
        "add rule inet loss input iifname one udp sport 4571 numgen inc mod 10 == 0 drop")
      func losses(of office: ProbeOffice) async -> (there: Double, back: Double)? {
        guard let found = await office.probes.figures.values.first?[.wireguard], found.answers > 100,
          let there = found.transmit.lossRatio, let back = found.receive.lossRatio
        else { return nil }
        return (there, back)
      }
      #expect(
        try await eventually {
          guard let ones = await losses(of: one), let twos = await losses(of: two) else { return false }
          // Before the rules some were not lost.
          return 0.15...0.21 ~= ones.there && ones.back == 0 && twos.there == 0 && 0.07...0.11 ~= twos.back
        })
      let other = try #require(await one.probes.figures.values.first?[.openvpnTCP])
      #expect(other.transmit.lossRatio == 0 && other.receive.lossRatio == 0 && other.duplicates == 0)
      #expect(other.roundTrip.map { $0.least > .zero && $0.most < .seconds(1) } == true)
    }
  }

  @Test("with rp_filter off, paths are measured even while no route but the unreachable one is left")
  func withoutRoutes() async throws {
    try await ProbeOffice.withTwo { one, two in
      for (office, other) in [(one, two), (two, one)] {
        try await office.space.ip("route", "delete", "\(other.address)/32")
        for interface in ProbeOffice.interfaces.values {
          try await office.space.exec("sysctl", "-qw", "net.ipv4.conf.\(interface).rp_filter=0")
        }
      }
      #expect(try await one.become(.up, .up))
      #expect(try await two.become(.up, .up))
    }
  }

  @Test("an interface that vanishes takes its path down only, and one that comes back brings it up")
  func replacedInterface() async throws {
    try await ProbeOffice.withTwo { one, two in
      #expect(try await one.become(.up, .up))
      let since = await one.probes.states.values.first?[.wireguard]?.since
      // Else the other office's route would go, too, and without any a loose rp_filter lets nothing in.
      try await two.space.ip("route", "replace", "\(one.address)/32", "dev", "one")
      try await one.space.ip("link", "delete", "two")
      #expect(try await one.become(.up, .down))
      #expect(await one.probes.failures["two"]?.errno == ENODEV)
      try await ProbeOffice.cable(one, two, "two")
      #expect(try await one.become(.up, .up))
      #expect(try await two.become(.up, .up))
      #expect(await one.probes.failures.isEmpty)
      #expect(await one.probes.states.values.first?[.wireguard]?.since == since, "up all the time")
    }
  }

  @Test("only the peer's address on the peer's interface is answered, with the TTL that came")
  func strangers() async throws {
    try await ProbeOffice.withTwo { one, two in
      await one.probes.watch([try one.target(.wireguard, of: two)])
      try await two.space.ip("address", "add", "10.77.0.9/32", "dev", "one")
      try await one.space.ip("route", "add", "10.77.0.9/32", "dev", "one")
      let address = two.address
      let (member, stranger, elsewhere) = try await two.space.inside {
        let open = { (interface: String, address: IPAddress) in
          Carried(socket: try DatagramSocket(interface: interface, local: address, port: 0))
        }
        return (
          try open("one", address), try open("one", IPAddress(family: .v4, value: address.value + 7)),
          try open("two", address)
        )
      }
      let packet = STAMPPacket(sequence: 5, timestamp: NTPTimestamp(value: 7), extensions: [0, 0, 0])
      let target = DatagramSocket.SocketAddress(one.address, port: ProbeOffice.port)
      var answers: [DatagramSocket.Datagram] = []
      func send(_ carried: Carried) throws { try carried.socket.send(packet.bytes, to: target) }
      func isAnswered() throws -> Bool {
        try send(member)
        while let datagram = member.socket.receive() { answers.append(datagram) }
        return !answers.isEmpty
      }
      #expect(try await eventually { try isAnswered() })
      try send(stranger)
      try send(elsewhere)
      answers = []
      #expect(try await eventually { try isAnswered() })
      #expect(stranger.socket.receive() == nil && elsewhere.socket.receive() == nil)
      for datagram in answers {
        let answer = try #require(STAMPReflection(bytes: datagram.bytes))
        #expect(datagram.ttl == 255 && answer.senderTTL == 255 && answer.extensions == [0, 0, 0])
        #expect(answer.timestamp.elapsed(since: answer.receiveTimestamp) >= .zero)
      }
    }
  }

  @Test("what is read late counts by when it came")
  func lateReading() async throws {
    try await ProbeOffice.withTwo(probing: 0) { one, two in
      let (sender, receiver) = try await (
        one.space.inside {
          Carried(socket: try DatagramSocket(interface: "one", local: one.address, port: 0))
        },
        two.space.inside {
          Carried(socket: try DatagramSocket(interface: "one", local: two.address, port: ProbeOffice.port))
        }
      )
      let before = NTPTimestamp.now
      try sender.socket.send([1, 2, 3], to: .init(two.address, port: ProbeOffice.port))
      let after = NTPTimestamp.now
      try await Task.sleep(for: .milliseconds(200))
      let datagram = try #require(receiver.socket.receive())
      #expect(datagram.bytes == [1, 2, 3] && datagram.ttl == 255)
      #expect(datagram.arrival.elapsed(since: before) >= .zero)
      #expect(datagram.age >= .milliseconds(199) && NTPTimestamp.now.elapsed(since: after) >= datagram.age)
      #expect(receiver.socket.receive() == nil)
    }
  }

  @Test("probes and answers are marked for expedited forwarding")
  func marking() async throws {
    try await ProbeOffice.withTwo { one, two in
      try await two.nft(
        "add table inet look", "add chain inet look input { type filter hook input priority 0; }",
        "add rule inet look input meta l4proto udp ip dscp ef udp dport 4571 counter comment probe",
        "add rule inet look input meta l4proto udp ip dscp ef udp sport 4571 counter comment answer",
        "add rule inet look input meta l4proto udp ip dscp != ef counter comment other")
      #expect(try await one.become(.up, .up))
      #expect(try await two.become(.up, .up))
      #expect(
        try await eventually {
          let lines = try await two.space.exec("nft", "list table inet look").split(separator: "\n")
          return lines.filter { $0.contains("ip dscp ef") && !$0.contains("packets 0 ") }.count == 2
        })
      #expect(try await two.space.exec("nft", "list table inet look").contains("!= ef counter packets 0 "))
    }
  }

  @Test("nothing to watch: no socket; and a path that stays keeps what is known of it")
  func watching() async throws {
    try await ProbeOffice.withTwo { one, two in
      #expect(try await one.become(.up, .up))
      let before = await one.probes.states.values.first?[.wireguard]?.since
      await one.probes.watch([try one.target(.wireguard, of: two)])
      #expect(await one.probes.states.values.first?.keys.map(\.self) == [.wireguard])
      #expect(await one.probes.states.values.first?[.wireguard]?.since == before)
      #expect(try await two.become(.up, .down), "nobody answers there any more")
      await one.probes.watch([])
      #expect(await one.probes.states.isEmpty)
      #expect(try await eventually { try await one.space.exec("ss", "-Hulna").isEmpty })
      await one.probes.watch(try [.wireguard, .openvpnTCP].map { try one.target($0, of: two) })
      #expect(try await one.become(.up, .up))
      #expect(try await two.become(.up, .up))
    }
  }

  @Test("a path without an endpoint is not probed once it is down, until there is one or something comes")
  func withoutEndpoint() async throws {
    try await ProbeOffice.withTwo(probing: 1) { one, two in
      let targets = try [TunnelPath.wireguard, .openvpnTCP].map { try one.target($0, of: two) }
      let site = try #require(SiteName("other"))
      await one.probes.watch(targets, unreachable: [site])
      #expect(try await one.become(.down, .down))
      try await two.nft(
        "add table inet look", "add chain inet look input { type filter hook input priority 0; }",
        "add rule inet look input iifname one udp dport 4571 counter",
        "add rule inet look input iifname two udp dport 4571 counter")
      func counts() async throws -> [Int] {
        try await two.space.exec("nft", "list table inet look").matches(of: /packets ([0-9]+)/).map {
          Int($0.1) ?? -1
        }
      }
      #expect(try await eventually { try await counts()[1] >= 3 })
      #expect(try await counts()[0] == 0)
      await one.probes.watch(targets)
      #expect(try await eventually { try await counts()[0] > 0 })

      await one.probes.watch(targets, unreachable: [site])
      try await withThrowingTaskGroup { group in
        group.addTask { try await two.probes.run() }
        defer { group.cancelAll() }
        await two.probes.watch(try [.wireguard, .openvpnTCP].map { try two.target($0, of: one) })
        #expect(try await one.become(.up, .up))
      }
    }
  }

  @Test("a port that another program has is named, and probed again once it is free")
  func portTaken() async throws {
    try await NetworkNamespace.with(count: 2) { spaces in
      let one = try ProbeOffice(spaces[0], "10.77.0.1")
      let two = try ProbeOffice(spaces[1], "10.77.0.2")
      for name in ProbeOffice.interfaces.values { try await ProbeOffice.cable(one, two, name) }
      var other: DatagramSocket? = try await spaces[0].inside {
        Carried(socket: try DatagramSocket(interface: "one", local: one.address, port: ProbeOffice.port))
      }.socket
      try await withThrowingTaskGroup { group in
        group.addTask { try await one.probes.run() }
        defer { group.cancelAll() }
        await one.probes.watch([try one.target(.wireguard, of: two)])
        #expect(try await eventually { await one.probes.failures["one"]?.errno == EADDRINUSE })
        let message = await one.probes.failures["one"]?.description ?? ""
        #expect(
          message.hasPrefix("cannot bind to 10.77.0.1:4571 on one: ") && message.contains("ss -lunp"))
        #expect(other != nil)
        other = nil
        #expect(try await eventually { await one.probes.failures.isEmpty })
      }
    }
  }

  /// Carries a socket out of the thread that opened it.
  private struct Carried: @unchecked Sendable { let socket: DatagramSocket }

  @Test("probes that the kernel does not let out are named, and their path is down until it does")
  func refusedByKernel() async throws {
    try await ProbeOffice.withTwo { one, two in
      #expect(try await one.become(.up, .up))
      try await one.nft(
        "add table inet cut", "add chain inet cut output { type filter hook output priority 0; }",
        "add rule inet cut output oifname one drop")
      #expect(try await one.become(.down, .up))
      #expect(try await two.become(.down, .up))
      #expect(await one.probes.failures.mapValues(\.errno) == ["one": EPERM])
      #expect(await one.probes.failures["one"]?.description.contains("a firewall that lets them out") == true)
      try await one.nft("delete table inet cut")
      #expect(try await one.become(.up, .up))
      #expect(try await two.become(.up, .up))
      #expect(try await eventually { await one.probes.failures.isEmpty })
    }
  }

  @Test("a queue that is full is named, and what does not fit does not wait")
  func fullQueue() async throws {
    try await NetworkNamespace.with(count: 2) { spaces in
      let one = try ProbeOffice(spaces[0], "10.77.0.1")
      let two = try ProbeOffice(spaces[1], "10.77.0.2")
      try await ProbeOffice.cable(one, two, "one")
      try await one.space.ip("route", "add", "10.77.0.0/16", "dev", "one")
      // What waits for the answer of a neighbor that there is not fills the socket's buffer.
      try await one.space.exec("sysctl", "-qw", "net.ipv4.neigh.one.unres_qlen_bytes=100000000")
      let socket = try await one.space.inside {
        Carried(socket: try DatagramSocket(interface: "one", local: one.address, port: 0))
      }.socket
      let nobody = DatagramSocket.SocketAddress(try #require(IPAddress("10.77.0.9")), port: ProbeOffice.port)
      let probe = [UInt8](repeating: 0, count: 1000)
      let failure = #expect(throws: DatagramError.self) {
        for _ in 0..<10_000 { try socket.send(probe, to: nobody) }
      }
      #expect(failure?.errno == EAGAIN)
      #expect(failure?.description.hasSuffix("see 'tc -s qdisc show'") == true)
      try await one.space.ip("neighbor", "flush", "dev", "one")
      try socket.send(probe, to: DatagramSocket.SocketAddress(two.address, port: ProbeOffice.port))
    }
  }

  @Test("a flip is told to whoever listens")
  func changes() async throws {
    try await ProbeOffice.withTwo { one, two in
      var told = one.probes.changes.makeAsyncIterator()
      while await one.condition(.wireguard) != .up { await told.next() }
      try await two.cut("one")
      while await one.condition(.wireguard) != .down { await told.next() }
      #expect(await one.condition(.openvpnTCP) != .down)
    }
  }

  @Test("IPv6 addresses are no target: the kernel would not send to them without a route")
  func families() throws {
    let site = try #require(SiteName("other"))
    let (old, new) = (try #require(IPAddress("10.77.0.1")), try #require(IPAddress("fd77::1")))
    #expect(ProbeTarget(site: site, path: .wireguard, interface: "one", peer: old, local: new) == nil)
    #expect(ProbeTarget(site: site, path: .wireguard, interface: "one", peer: new, local: old) == nil)
    #expect(ProbeTarget(site: site, path: .wireguard, interface: "one", peer: old, local: old) != nil)
  }
}
