// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import Testing

@testable import PBXLinkCore

@Suite("Agreeing on a relay")
struct RelayAgreementTests {
  /// Two sites and the relays that each reaches, with notes that pass by those relays that both know.
  private struct Pair {
    var ends: [RelayAgreement] = [true, false].map { RelayAgreement(isLeader: $0, at: .zero) }
    var reach: [[SiteName: Int]]
    /// Relays that look well to both and carry nothing.
    var dead: Set<SiteName> = []
    var boxes: [SiteName: RelayNotes] = [:]
    let names: [SiteName]

    init(_ reach: [[SiteName: Int]]) throws {
      self.reach = reach
      names = try ["a", "b"].map { try #require(SiteName($0)) }
    }

    var isLinked: Bool { ends[0].choice != nil && ends[0].choice == ends[1].choice && !isDead }
    var isDead: Bool { ends[0].choice.map(dead.contains) ?? false }

    mutating func step(_ end: Int, at now: Duration, lost: (SiteName) -> Bool = { _ in false }) {
      for relay in reach[end].keys.sorted() where !lost(relay) {
        let note = ends[end].note(reachable: reach[end], at: now)
        let answer = boxes[relay, default: RelayNotes()].exchange(
          [names[1 - end]: note], from: names[end], at: now)
        if let found = answer[names[1 - end]] { ends[end].receive(found, at: now) }
      }
      let isUsed = ends[end].choice != nil
      ends[end].update(reachable: reach[end], isWorking: isUsed ? isLinked : nil, at: now)
    }
  }

  private func site(_ name: String) throws -> SiteName { try #require(SiteName(name)) }

  @Test(
    "both ends take the same relay within seconds, whatever they reach and whatever is lost",
    arguments: 0..<100)
  func agreement(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let relays = try (0..<5).map { try site("relay-\($0)") }
    func reach() -> [SiteName: Int] {
      relays.reduce(into: [:]) { reach, relay in
        if Bool.random(using: &random) { reach[relay] = Int.random(in: 1_000...200_000, using: &random) }
      }
    }
    var pair = try Pair([reach(), reach()])
    for second in 1...200 {
      // Until the last minute relays come and go.
      if second < 100, second % 25 == 0 { pair.reach[Int.random(in: 0...1, using: &random)] = reach() }
      var lost = random
      for end in [0, 1].shuffled(using: &random) {
        pair.step(end, at: .seconds(second)) { _ in second < 150 && Int.random(in: 0..<10, using: &lost) == 0
        }
      }
    }
    let common = Set(pair.reach[0].keys).intersection(pair.reach[1].keys)
    #expect(pair.isLinked == !common.isEmpty, "seed \(seed)")
    if let choice = pair.ends[0].choice {
      let costs = common.map { (pair.reach[0][$0] ?? 0) + (pair.reach[1][$0] ?? 0) }
      let cost = (pair.reach[0][choice] ?? 0) + (pair.reach[1][choice] ?? 0)
      #expect(
        cost <= 2 * (costs.min() ?? 0) + 20_000, "seed \(seed): the way is not much longer than the best")
    }
  }

  @Test("a relay that carries nothing is left for another one, and tried again later")
  func deadRelay() throws {
    let (near, far) = (try site("near"), try site("far"))
    var pair = try Pair([[near: 1_000, far: 90_000], [near: 1_000, far: 90_000]])
    pair.dead = [near]
    var used: [SiteName?] = []
    for second in 1...100 {
      for end in 0...1 { pair.step(end, at: .seconds(second)) }
      if used.last != pair.ends[0].choice { used.append(pair.ends[0].choice) }
    }
    #expect(used.prefix(3) == [nil, near, far] || used.prefix(2) == [near, far])
    #expect(pair.ends[1].choice == pair.ends[0].choice)
  }

  @Test("a relay in use that works is kept when nothing is heard of the peer any more")
  func silentPeer() throws {
    let near = try site("near")
    var pair = try Pair([[near: 1_000], [near: 1_000]])
    for second in 1...5 { for end in 0...1 { pair.step(end, at: .seconds(second)) } }
    #expect(pair.isLinked)
    for second in 6...100 {
      pair.ends[0].update(reachable: pair.reach[0], isWorking: true, at: .seconds(second))
    }
    #expect(pair.ends[0].choice == near)
    pair.ends[0].update(reachable: pair.reach[0], isWorking: false, at: .seconds(101))
    #expect(pair.ends[0].choice == nil)
  }

  @Test("an older note that comes by another relay, or a round trip out of range, changes nothing")
  func notes() throws {
    let (one, other) = (try site("one"), try site("other"))
    var leader = RelayAgreement(isLeader: true, at: .zero)
    let reach = [one: 1_000, other: 2_000]
    leader.receive(AgedRelayNote(RelayNote(relays: [other: 1]), age: 0), at: .seconds(10))
    leader.receive(AgedRelayNote(RelayNote(relays: [one: 1]), age: 5), at: .seconds(11))
    leader.receive(AgedRelayNote(RelayNote(relays: [one: 1]), age: .max), at: .seconds(11))
    leader.update(reachable: reach, isWorking: nil, at: .seconds(11))
    #expect(leader.choice == other)
    leader.receive(AgedRelayNote(RelayNote(relays: [one: .max, other: -5]), age: .min), at: .seconds(12))
    leader.update(reachable: reach, isWorking: nil, at: .seconds(12))
    #expect(leader.choice == nil)
  }

  @Test("a relay keeps notes for a quarter of a minute and gives each to its addressee only")
  func mailbox() throws {
    let (a, b, c) = (try site("a"), try site("b"), try site("c"))
    var box = RelayNotes()
    let note = RelayNote(relays: [c: 5])
    #expect(box.exchange([b: note], from: a, at: .zero).isEmpty)
    #expect(box.exchange([a: RelayNote(relays: [:])], from: c, at: .seconds(1)).isEmpty)
    #expect(
      box.exchange([a: RelayNote(relays: [:])], from: b, at: .seconds(2)) == [a: AgedRelayNote(note, age: 2)])
    #expect(box.exchange([a: RelayNote(relays: [:])], from: b, at: .seconds(16)).isEmpty)
  }

  @Test("a note is written with names as keys")
  func json() throws {
    let note = RelayNote(relays: [try site("paris"): 12_000], choice: try site("paris"))
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let data = try encoder.encode([try site("lyon"): note])
    #expect(String(decoding: data, as: UTF8.self) == #"{"lyon":{"choice":"paris","relays":{"paris":12000}}}"#)
    #expect(try JSONDecoder().decode([SiteName: RelayNote].self, from: data) == [try site("lyon"): note])
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([SiteName: RelayNote].self, from: Data(#"{"Lyon!":{"relays":{}}}"#.utf8))
    }
  }
}
