// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

/// Against FRR's bfdd and BIRD, which share no line with ours.
@Suite(
  "BFD with routers",
  .enabled(if: NetworkNamespace.obstacle == nil, Comment(rawValue: NetworkNamespace.obstacle ?? "")))
struct BFDInteroperationTests {
  private static let timing = FailureDetection.fast.timing

  /// Our listener in the first of two namespaces with a cable.
  private func withLink(_ body: (BFDLink) async throws -> Void) async throws {
    try await NetworkNamespace.with(count: 2) { spaces in
      try await spaces[0].ip(
        "link", "add", "lan", "type", "veth", "peer", "name", "lan", "netns", spaces[1].name)
      for (space, address) in zip(spaces, [BFDLink.ours, BFDLink.theirs]) {
        try await space.ip("address", "add", "\(address)/24", "dev", "lan")
        try await space.ip("link", "set", "lan", "up")
      }
      try await body(BFDLink(us: spaces[0], them: spaces[1]))
    }
  }

  @Test(
    "comes up, and each end notices that the other one is gone or leaves", arguments: BFDRouter.Maker.allCases
  )
  func singleHop(_ maker: BFDRouter.Maker) async throws {
    try await withLink { link in
      let router = try await BFDRouter.start(
        maker, in: link.them, local: BFDLink.theirs, neighbor: BFDLink.ours)
      try await link.listening(to: [link.neighbor(.singleHop)]) { listener async throws in
        #expect(try await eventually { await listener.status()?.state == "up" })
        #expect(try await eventually { try await router.state() == "up" })
        let status = await listener.status()
        #expect(
          status?.interval == 0.1 && status?.detectionTime == 0.3 && status?.remoteState == "up", "as it asks"
        )
        #expect(await listener.problems.isEmpty)

        try await link.cut()
        #expect(try await eventually { try await router.state() == "down" }, "it hears nothing from us")
        // Soon after that it is "init": the router would be heard.
        #expect(try await eventually { await listener.status()?.state != "up" })
        #expect(await listener.status()?.diagnostic == "the other end says that it is down")
        try await link.mend()
        #expect(try await eventually { await listener.status()?.state == "up" })

        try router.kill()
        #expect(try await eventually { await listener.status()?.state == "down" })
        #expect(await listener.status()?.diagnostic == "nothing came for a detection time")
        #expect(await listener.status()?.remoteState == nil)
      }
    }
  }

  @Test("a router is told that we leave on purpose", arguments: BFDRouter.Maker.allCases)
  func leaving(_ maker: BFDRouter.Maker) async throws {
    try await withLink { link in
      let router = try await BFDRouter.start(
        maker, in: link.them, local: BFDLink.theirs, neighbor: BFDLink.ours)
      try await link.listening(to: [link.neighbor(.singleHop)]) { listener async throws in
        #expect(try await eventually { try await router.state() == "up" })
        // Where no packet says so nothing is noticed for longer than this test waits.
        await listener.watch(
          [link.neighbor(.singleHop)], .init(transmit: .seconds(20), receive: .seconds(20), multiplier: 5))
        #expect(try await eventually { await listener.status()?.interval == 20 })
      }
      #expect(try await eventually { try await router.state() == "down" })
    }
  }

  @Test("behind another router the session is multihop", arguments: BFDRouter.Maker.allCases)
  func multihop(_ maker: BFDRouter.Maker) async throws {
    try await withLink { link in
      // Theirs is behind a hop that takes 1 off the TTL.
      try await NetworkNamespace.with(count: 1) { spaces in
        let far = spaces[0]
        try await link.them.ip("link", "add", "far", "type", "veth", "peer", "name", "lan", "netns", far.name)
        try await link.them.ip("address", "add", "198.51.100.1/24", "dev", "far")
        try await link.them.ip("link", "set", "far", "up")
        try await link.them.exec("sysctl", "-qw", "net.ipv4.ip_forward=1")
        try await far.ip("address", "add", "198.51.100.2/24", "dev", "lan")
        try await far.ip("link", "set", "lan", "up")
        try await far.ip("route", "add", "default", "via", "198.51.100.1")
        try await link.us.ip("route", "add", "198.51.100.0/24", "via", BFDLink.theirs)
        let router = try await BFDRouter.start(
          maker, in: far, local: "198.51.100.2", neighbor: BFDLink.ours, isMultihop: true)
        let address = try #require(IPAddress("198.51.100.2"))
        try await link.listening(to: [BFDNeighbor(address, .multihop)]) { listener async throws in
          #expect(try await eventually { try await router.state() == "up" })
          #expect(try await eventually { await listener.status()?.state == "up" })
          #expect(await listener.status()?.isMultihop == true)
          try router.kill()
          #expect(try await eventually { await listener.status()?.state == "down" })
        }
      }
    }
  }

  @Test("a packet that may have come from further away starts no session over a single hop")
  func timeToLive() async throws {
    try await withLink { link in
      for rule in [
        "add table ip hop", "add chain ip hop out { type filter hook output priority 0; }",
        "add rule ip hop out ip ttl set 254",
      ] { try await link.them.exec("nft", rule) }
      let router = try await BFDRouter.start(
        .bird, in: link.them, local: BFDLink.theirs, neighbor: BFDLink.ours)
      try await link.listening(to: [link.neighbor(.singleHop)]) { listener async throws in
        #expect(try await eventually { try await router.state() == "init" }, "it hears us")
        try await Task.sleep(for: .seconds(2))
        let status = await listener.status()
        #expect(status?.state == "down" && status?.remoteState == nil)
        try await link.them.exec("nft", "delete table ip hop")
        #expect(try await eventually { await listener.status()?.state == "up" })
      }
    }
  }

  @Test("our packets are BFD control packets to Wireshark, as RFC 5880 and 5881 want them")
  func wireshark() async throws {
    try await withLink { link in
      try await link.listening(to: [link.neighbor(.singleHop)]) { _ async throws in
        let file = "/tmp/\(link.us.name).pcap"
        defer { unlink(file) }
        try await OtherPrograms.capture(3, "udp port 3784", on: "lan", in: link.them, to: file)
        let rows = try await OtherPrograms.fields(
          of: file,
          [
            "ip.src", "ip.ttl", "ip.dsfield.dscp", "udp.srcport", "udp.dstport", "bfd.version", "bfd.sta",
            "bfd.message_length", "bfd.detect_time_multiplier", "bfd.my_discriminator",
            "bfd.your_discriminator",
            "bfd.desired_min_tx_interval", "bfd.required_min_rx_interval", "bfd.required_min_echo_interval",
          ], in: link.them)
        #expect(rows.count == 3 && Set(rows.map { $0["udp.srcport"] }).count == 1, "one port a session")
        for row in rows {
          #expect(row["_ws.malformed"] == "" && row["ip.src"] == BFDLink.ours && row["udp.dstport"] == "3784")
          #expect(row["ip.ttl"] == "255" && row["ip.dsfield.dscp"] == "48")
          #expect(row["udp.srcport"].flatMap(Int.init).map { (49152...65535).contains($0) } == true)
          #expect(row["bfd.version"] == "1" && row["bfd.sta"] == "0x01" && row["bfd.message_length"] == "24")
          #expect(row["bfd.detect_time_multiplier"] == "5" && row["bfd.my_discriminator"] != "0x00000000")
          #expect(row["bfd.your_discriminator"] == "0x00000000")
          #expect(row["bfd.desired_min_tx_interval"] == "1000000", "a second until it is up")
          #expect(
            row["bfd.required_min_rx_interval"] == "100000" && row["bfd.required_min_echo_interval"] == "0")
        }
      }
    }
  }

  @Test("the source of our packets is the address that the router knows us by")
  func sourceAddress() async throws {
    try await withLink { link in
      try await link.us.ip("address", "add", "192.0.2.7/32", "dev", "lan")
      let router = try await BFDRouter.start(
        .bird, in: link.them, local: BFDLink.theirs, neighbor: "192.0.2.7")
      try await link.listening(to: [link.neighbor(.singleHop)]) { _ async throws in
        #expect(try await eventually { try await router.state() == "up" })
      }
    }
  }

  @Test("a port that another program has is named, and taken once it is free; without neighbors none is open")
  func ports() async throws {
    try await withLink { link in
      let router = try await BFDRouter.start(
        .bird, in: link.us, local: BFDLink.ours, neighbor: BFDLink.theirs)
      // BIRD opens its port after it has gone to the background.
      #expect(try await eventually { try await link.us.exec("ss", "-Hulna").contains(":3784") })
      try await link.listening(to: [link.neighbor(.singleHop)]) { listener async throws in
        #expect(try await eventually { await !listener.problems.isEmpty })
        let problem = await listener.problems.first ?? ""
        #expect(problem.hasPrefix("BFD: cannot bind to 0.0.0.0:3784: ") && problem.contains("ss -lunp"))
        try router.kill()
        #expect(try await eventually { await listener.problems.isEmpty })
        #expect(try await link.us.exec("ss", "-Hulna").contains(":3784"))
        await listener.watch([], Self.timing)
        #expect(try await eventually { try await link.us.exec("ss", "-Hulna").isEmpty })
      }
    }
  }
}

/// Two namespaces with a cable between them.
private struct BFDLink {
  static let (ours, theirs) = ("192.0.2.1", "192.0.2.2")

  let us: NetworkNamespace
  let them: NetworkNamespace

  func neighbor(_ distance: BFDNeighbor.Distance) -> BFDNeighbor {
    BFDNeighbor(IPAddress(family: .v4, value: 0xc000_0202), distance)
  }

  /// Runs the body beside our listener, `fast`.
  func listening(to neighbors: Set<BFDNeighbor>, _ body: (BFDSessions) async throws -> Void) async throws {
    let name = us.name
    let listener = BFDSessions { local, port throws(DatagramError) in
      try NetworkNamespace.visit(name) { () throws(DatagramError) in
        try DatagramSocket(interface: nil, local: local, port: port, dscp: 48)
      }
    }
    try await withThrowingTaskGroup { group in
      group.addTask { try await listener.run() }
      defer { group.cancelAll() }
      await listener.watch(neighbors, FailureDetection.fast.timing)
      try await body(listener)
    }
  }

  /// Drops what leaves us.
  func cut() async throws {
    for rule in [
      "add table ip cut", "add chain ip cut in { type filter hook input priority 0; }",
      "add rule ip cut in drop",
    ] { try await them.exec("nft", rule) }
  }

  func mend() async throws { try await them.exec("nft", "delete table ip cut") }
}

extension BFDSessions {
  /// Of the only session.
  fileprivate func status() -> NeighborStatus? { statuses(at: Timestamp(seconds: 0)).first }
}
