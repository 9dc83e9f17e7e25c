// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Testing

@testable import PBXLinkCore

/// Who can open a tunnel to whom.
struct Topology: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let isPublic: @Sendable (Int) -> Bool
  let isLinked: @Sendable (Int, Int) -> Bool

  static let fullMesh = Topology(
    testDescription: "full mesh", isPublic: { _ in true }, isLinked: { _, _ in true })

  /// Spokes behind NAT that reach only the hubs of theirs, one or two.
  static func hubs(_ count: Int, each links: Int) -> Topology {
    let isHubOf = { @Sendable (hub: Int, spoke: Int) in
      hub < count
        && (spoke < count
          || (0..<(links == 1 ? 1 : 1 + spoke % 2)).contains((hub - spoke % count + count) % count))
    }
    return Topology(
      testDescription:
        "\(count) hub\(count == 1 ? "" : "s"), spokes with \(links == 1 ? "one" : "one or two")",
      isPublic: { $0 < count }, isLinked: { isHubOf($0, $1) || isHubOf($1, $0) })
  }

  static let halfBehindNAT = Topology(
    testDescription: "half of the sites behind NAT", isPublic: { $0 % 2 == 0 },
    isLinked: { $0 % 2 == 0 || $1 % 2 == 0 })
}

@Suite("Simulated large meshes", .serialized)
struct SimulationOfCrowdsTests {
  private static let size =
    ProcessInfo.processInfo.environment["PBXLINK_SIMULATION_SITES"].flatMap { Int($0) } ?? 1_000

  private func change(_ crowd: inout Crowd, at site: SiteName) throws -> Int {
    var sent = 0
    try crowd.step(site) { agent, now in
      var configuration = agent.configuration
      configuration.trunk.callLimit += 1
      let effects = try agent.handle(.configuration(configuration), at: now)
      sent = effects.pushes.flatMap(\.documents).reduce(0) { $0 + $1.utf8.count }
      return effects
    }
    return sent
  }

  private func report(_ what: String, _ crowd: Crowd, _ remark: String) {
    print("| \(what) | \(crowd.names.count) | \(crowd.rounds) | \(crowd.bytes / 1000) kB | \(remark) |")
  }

  @Test(
    "a change reaches all in four rounds, with at most three times its bytes for each site",
    arguments: [
      .fullMesh, .hubs(1, each: 1), .hubs(2, each: 2), .hubs(10, each: 1), .hubs(10, each: 2), .halfBehindNAT,
    ] as [Topology])
  func oneChange(_ topology: Topology) throws {
    var crowd = try Crowd(Self.size, seed: 1, isPublic: topology.isPublic)
    crowd.link(where: topology.isLinked)
    let site = crowd.names[crowd.names.count - 1]
    let size = try change(&crowd, at: site)
    while !crowd.underWay.isEmpty, crowd.rounds < 20 {
      try crowd.run()
      if crowd.agreeing(with: site) == crowd.names.count { break }
    }
    let arrival = crowd.rounds
    while !crowd.underWay.isEmpty { try crowd.run() }
    let factor = Double(crowd.bytes) / Double(size * crowd.names.count)
    report(
      "one change, \(topology.testDescription)", crowd,
      "known everywhere after \(arrival); \((factor * 100).rounded() / 100) × change × sites")
    #expect(crowd.agreeing(with: site) == crowd.names.count)
    #expect(arrival <= 4)
    #expect(factor <= 3)
    for _ in 0..<2 { try crowd.checkPlanes(of: crowd.names.randomElement(using: &crowd.random) ?? site) }
  }

  @Test("two halves that changed apart, and of which one has removed a site, are whole soon after they meet")
  func partition() throws {
    var crowd = try Crowd(Self.size, seed: 2, isPublic: { _ in true })
    crowd.link { $0 % 2 == $1 % 2 }
    let (head, gone) = (crowd.names[0], crowd.names[7])
    for site in 20..<30 { _ = try change(&crowd, at: crowd.names[site]) }
    crowd.revoked = [gone]
    try crowd.step(head) { try $0.remove(gone, reason: "sold", at: $1) }
    while !crowd.underWay.isEmpty { try crowd.run() }
    #expect(crowd.agreeing(with: head) == crowd.names.count / 2, "the head's half is whole")

    crowd.lossPermille = 100
    crowd.repetitionPermille = 50
    crowd.link { _, _ in true }
    crowd.reset()
    crowd.agents[gone] = nil
    var round = 0
    while crowd.rounds < 60, crowd.agreeing(with: head) < crowd.agents.count {
      if crowd.rounds % 4 == 0 {
        crowd.compare(round: round)
        round += 1
      }
      try crowd.run()
    }
    report(
      "10 changes and a removal, two halves meet, 10 % lost", crowd,
      "\(round) × 8 comparisons for each site")
    #expect(crowd.agreeing(with: head) == crowd.agents.count)
    try crowd.checkPlanes(of: crowd.names[1])
  }

  @Test("sites that know only themselves and the first one find each other")
  func coldStart() throws {
    var crowd = try Crowd(min(Self.size, 100), seed: 3, know: false, isPublic: { _ in true })
    crowd.link { _, _ in true }
    var known = crowd.links
    var round = 0
    while crowd.rounds < 60, crowd.agreeing(with: crowd.names[0]) < crowd.names.count || crowd.rounds == 0 {
      // A tunnel needs the documents of the other end at both.
      for name in crowd.names {
        known[name] = Set(crowd.agents[name]?.linkedSites(at: crowd.now).map(\.name) ?? [])
      }
      for name in crowd.names {
        crowd.links[name] = known[name, default: []].union(
          crowd.names.filter { known[$0]?.contains(name) == true })
      }
      crowd.compare(round: round)
      round += 1
      try crowd.run()
      try crowd.run()
    }
    report("cold start, full mesh", crowd, "each knows itself and the first site")
    #expect(crowd.agreeing(with: crowd.names[0]) == crowd.names.count)
    try crowd.checkPlanes(of: crowd.names[crowd.names.count - 1])
  }
}
