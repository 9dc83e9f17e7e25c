// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Endpoints to try")
struct EndpointChoiceTests {
  let offices = Offices()
  let now = Offices.now

  private func lyon(headEndpoints: [String]) throws -> Agent {
    var head = try offices.head(
      configuration: offices.configuration(extensions: ["6XX"], endpoints: headEndpoints)
    ).agent
    return try offices.join("lyon", ["2XX"], to: &head)
  }

  private func endpoint(_ agent: Agent, at now: Timestamp) throws -> String? {
    try #require(agent.desiredState(at: now).tunnel.peers.first).endpoint?.description
  }

  @Test("several candidates take turns, each for a while")
  func rotation() throws {
    let agent = try lyon(headEndpoints: ["203.0.113.5:51820", "[2001:db8::5]:51820", "198.51.100.7:443"])
    let turns = try (0..<90).map { try endpoint(agent, at: now + $0) }
    #expect(Set(turns).count == 3)
    for turn in Set(turns) { #expect(turns.count { $0 == turn } == 30) }
    let changes = zip(turns, turns.dropFirst()).count { $0 != $1 }
    #expect((5...6).contains(changes), "one change every 15 s")
  }

  @Test("a site that copies another's tunnel key cannot crowd its endpoints out")
  func copiedKey() throws {
    var head = try offices.head(
      configuration: offices.configuration(extensions: ["6XX"], endpoints: ["203.0.113.5:51820"])
    ).agent
    var lyon = try offices.join("lyon", ["2XX"], to: &head)
    var oslo = try offices.join("oslo", ["3XX"], to: &head)
    let copy = try offices.descriptor(of: oslo) {
      $0.wireguard.publicKey = head.keys.tunnel.publicKey
      $0.wireguard.endpoints = (1...16).compactMap { Endpoint("198.51.100.\($0):1") }
    }
    _ = oslo.receive([copy], from: nil, at: now)
    _ = lyon.receive(oslo.directory.allDocuments(), from: nil, at: now)
    let peers = try lyon.desiredState(at: now).tunnel.peers
    #expect(peers.count == 1 && peers[0].allowedIPs.count == 4)
    let turns = try (0..<300).map { try endpoint(lyon, at: now + $0) }
    #expect(turns.count { $0 == "203.0.113.5:51820" } == 150)
  }

  @Test("names are looked up, and count for nothing until they are")
  func names() throws {
    var agent = try lyon(headEndpoints: ["pbx.example.com:51820"])
    #expect(agent.endpointNames(at: now) == ["pbx.example.com"])
    #expect(try endpoint(agent, at: now) == nil)
    let addresses = ["pbx.example.com": [try #require(IPAddress("203.0.113.9"))]]
    #expect(try agent.handle(.namesResolved(addresses), at: now) == [.reconcile])
    #expect(try agent.handle(.namesResolved(addresses), at: now) == [])
    #expect(try endpoint(agent, at: now) == "203.0.113.9:51820")
  }

  @Test("the key that comes next has every third turn of a silence, and the first two are never its own")
  func turnsOfNextKey() throws {
    var agent = try lyon(headEndpoints: ["203.0.113.5:51820"])
    func triesNextKey(at now: Timestamp) throws -> Bool {
      try #require(agent.desiredState(at: now).tunnel.peers.first).triesNextKey
    }
    #expect(try (0..<90).allSatisfy { try !triesNextKey(at: now + $0) })
    let head = try #require(agent.linkedSites(at: now).first).name
    for start in (0..<45).map({ now + $0 }) {
      _ = try agent.handle(.silent([:]), at: start)
      _ = try agent.handle(.silent([head: nil]), at: start)
      #expect(try (0..<90).allSatisfy { try triesNextKey(at: start + $0) == ($0 / 15 % 3 == 2) })
    }
  }

  @Test("the turns of a long silence become longer, and none is left out")
  func longTurns() {
    let turns = (0..<86_400).map { Agent.turn(after: $0) }
    #expect(zip(turns, turns.dropFirst()).allSatisfy { (0...1).contains($1 - $0) })
    #expect(turns[480] == 32 && turns[479] == 31 && turns[779] == 32 && turns[780] == 33)
  }
}
