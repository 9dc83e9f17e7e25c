// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Glibc
import Testing

@testable import PBXLinkCore
@testable import PBXLinkSystem

@Suite(
  "Probes of many",
  .enabled(if: NetworkNamespace.obstacle == nil, Comment(rawValue: NetworkNamespace.obstacle ?? "")))
struct ProbeCrowdTests {
  @Test("a member that floods the reflector takes no path down, not even its own")
  func flood() async throws {
    try await ProbeOffice.withTwo { one, two in
      #expect(try await one.become(.up, .up))
      #expect(try await two.become(.up, .up))
      let before = await one.probes.states.values.first?.mapValues(\.since)
      let (address, target) = (two.address, one.address)
      let sent = try await two.space.inside {
        var sent = 0
        let socket = try DatagramSocket(interface: "one", local: address, port: 0)
        let end = ContinuousClock.now + .seconds(5)
        let packet = STAMPPacket(sequence: 0, timestamp: .now, size: 200)
        while ContinuousClock.now < end {
          // What the socket does not take is lost.
          for _ in 0..<100 { try? socket.send(packet.bytes, to: .init(target, port: ProbeOffice.port)) }
          sent += 100
          while socket.receive() != nil {}
        }
        return sent
      }
      print("\(sent / 5) packets a second")
      #expect(sent > 50_000)
      let after = try #require(await one.probes.states.values.first)
      #expect(after.mapValues(\.since) == before && after.values.allSatisfy { $0.condition == .up })
    }
  }

  @Test("a thousand peers are up within seconds, and stay so while each loses a twentieth of all packets")
  func thousand() async throws {
    // Each of them has sockets of its own here.
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = min(limit.rlim_max, 16_384)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    try await NetworkNamespace.with(count: 2) { spaces in
      let (hub, rest) = (try ProbeOffice(spaces[0], "10.77.0.1"), try ProbeOffice(spaces[1], "10.77.1.0"))
      try await ProbeOffice.cable(hub, rest, "one")
      let addresses = (0..<1000).map { IPAddress(family: .v4, value: rest.address.value + UInt128($0)) }
      let batch = addresses.map { "address replace \($0)/32 dev one\n" }.joined()
      let file = FileManager.default.temporaryDirectory.appending(path: spaces[1].name).path
      try batch.write(toFile: file, atomically: true, encoding: .utf8)
      defer { try? FileManager.default.removeItem(atPath: file) }
      try await rest.space.ip("-batch", file)
      try await hub.space.ip("route", "add", "10.77.0.0/16", "dev", "one")
      try await rest.space.ip("route", "add", "\(hub.address)/32", "dev", "one")
      func target(_ peer: IPAddress, _ local: IPAddress, _ number: Int) throws -> ProbeTarget {
        let site = try #require(SiteName("site-\(number)"))
        return try #require(
          ProbeTarget(site: site, path: .wireguard, interface: "one", peer: peer, local: local))
      }
      try await withThrowingTaskGroup { group in
        for office in [hub, rest] {
          await office.probes.set(FailureDetection.slow.timing)
          group.addTask { try await office.probes.run() }
        }
        defer { group.cancelAll() }
        await hub.probes.watch(try addresses.enumerated().map { try target($1, hub.address, $0) })
        await rest.probes.watch(try addresses.enumerated().map { try target(hub.address, $1, $0) })
        #expect(try await eventually { await hub.conditions() == [.up: 1000] })
        #expect(try await eventually { await rest.conditions() == [.up: 1000] })
        for office in [hub, rest] {
          try await office.nft(
            "add table inet loss", "add chain inet loss input { type filter hook input priority 0; }",
            "add rule inet loss input numgen random mod 20 == 0 drop")
        }
        for _ in 0..<15 {
          try await Task.sleep(for: .seconds(1))
          #expect(await hub.conditions() == [.up: 1000])
          #expect(await rest.conditions() == [.up: 1000])
        }
        let lost = await hub.probes.figures.values.compactMap { $0[.wireguard]?.transmit.lossRatio }
        let mean = lost.reduce(0, +) / Double(lost.count)
        #expect(lost.count == 1000 && (0.02...0.06).contains(mean), "\(mean): not from the beginning")
      }
    }
  }
}

extension ProbeOffice {
  fileprivate func conditions() async -> [PathState.Condition: Int] {
    await probes.states.values.flatMap(\.values).reduce(into: [:]) { $0[$1.condition, default: 0] += 1 }
  }
}
