// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Limits for each member")
struct ExchangeLimitsTests {
  let offices = Offices()
  let now = Offices.now

  private func mesh() throws -> (head: Agent, lyon: Agent, mallory: Agent) {
    var head = try offices.head().agent
    let lyon = try offices.join("lyon", ["2XX"], to: &head)
    let mallory = try offices.join("mallory", ["7XX"], to: &head)
    return (head, lyon, mallory)
  }

  private func list(_ site: Agent, by head: Agent, serial: UInt64 = 1) throws -> String {
    let entry = Revocations.Entry(identity: site.identity, site: site.mesh.site, at: now, reason: "sold")
    return try Revocations(mesh: head.mesh.identity.name, serial: serial, revoked: [entry])
      .signed(by: try #require(head.keys.authority), using: offices.cryptography)
  }

  /// Lists with the authority's name on them and somebody else's signature.
  private func forgedLists(_ count: Int, of mallory: Agent, by head: Agent) throws -> [String] {
    let other = try #require(try list(mallory, by: head, serial: 999).split(separator: ".").last)
    return try (0..<count).map { number in
      try list(mallory, by: head, serial: UInt64(number) + 1).split(separator: ".").dropLast()
        .joined(separator: ".") + ".\(other)"
    }
  }

  @Test("a removal gets through, whatever its bringer sent before it and beside it")
  func removal() throws {
    var (head, lyon, mallory) = try mesh()
    let flood = (0..<2_000).map { "forged \($0)" }
    _ = head.receive(flood, from: lyon.mesh.site, at: now)
    #expect(head.counters.limited > 0, "the flood is over the limit")
    let removal = try list(mallory, by: head)
    let (receipt, effects) = head.receive(flood + [removal], from: lyon.mesh.site, at: now)
    #expect(receipt.accepted == 1)
    #expect(effects.hungUp == [mallory.mesh.site])
  }

  @Test("forged lists are bounded, and hold up nobody else's list")
  func forgedLists() throws {
    var (head, lyon, mallory) = try mesh()
    let forged = try forgedLists(300, of: mallory, by: head)
    _ = head.receive(forged, from: mallory.mesh.site, at: now)
    _ = head.receive(forged, from: mallory.mesh.site, at: now)
    #expect(head.counters.refused <= ExchangeLimits.idleLists.burst + 2 * ExchangeLimits.listsAtLeast)
    let removal = try list(mallory, by: head)
    #expect(
      head.receive(forged + [removal], from: lyon.mesh.site, at: now).receipt.accepted == 0, "lyon forges too"
    )
    #expect(head.receive([removal] + forged, from: lyon.mesh.site, at: now).receipt.accepted == 1)
  }

  @Test("what one member sends too much of takes nothing from another")
  func others() throws {
    var (head, lyon, mallory) = try mesh()
    _ = head.receive((0..<3_000).map { "forged \($0)" }, from: mallory.mesh.site, at: now)
    let own = try offices.descriptor(of: mallory) { $0.trunk.callLimit = 2 }
    #expect(head.receive([own], from: mallory.mesh.site, at: now).receipt.accepted == 0)
    let news = try offices.descriptor(of: lyon) { $0.trunk.callLimit = 2 }
    #expect(head.receive([news], from: lyon.mesh.site, at: now).receipt.accepted == 1)
    #expect(head.receive([own], from: lyon.mesh.site, at: now).receipt.accepted == 1, "another may bring it")
    #expect(head.receive([own], from: mallory.mesh.site, at: now + 60).receipt.refused == [])
  }

  @Test("a site that changes without end is behind for a while, whoever brings it; the bringer is not blamed")
  func restlessSite() throws {
    var (head, lyon, mallory) = try mesh()
    var accepted = 0
    for serial in UInt64(2)...100 {
      let next = try offices.descriptor(of: mallory, serial: serial) {
        $0.trunk.callLimit = Int(serial)
        $0.previous = nil
      }
      accepted += head.receive([next], from: lyon.mesh.site, at: now).receipt.accepted
    }
    #expect(accepted < ExchangeLimits.descriptors.burst + 1)
    let own = try offices.descriptor(of: lyon) { $0.trunk.callLimit = 2 }
    #expect(head.receive([own], from: lyon.mesh.site, at: now).receipt.accepted == 1)
    let last = try offices.descriptor(of: mallory, serial: 101) { $0.previous = nil }
    #expect(head.receive([last], from: lyon.mesh.site, at: now + 60).receipt.accepted == 1)
  }

  @Test("the journal keeps its past, however long a flood lasts")
  func journal() throws {
    var (head, _, mallory) = try mesh()
    var entries = 0
    for second in 0..<600 {
      entries +=
        head.receive(["forged"], from: mallory.mesh.site, at: now + Int64(second)).effects.journal.count
    }
    #expect((1...30).contains(entries))
    #expect(head.counters.refused + head.counters.limited == 600)
  }

  @Test("errands are limited: beyond that, only who may lack the news is asked")
  func errands() throws {
    var (head, lyon, mallory) = try mesh()
    let crowd = (0..<ExchangeLimits.errands.burst).compactMap { SiteName("site-\($0)") }
    let audiences = try (UInt64(2)...3).map { serial -> [Push.Audience] in
      let news = try offices.descriptor(of: mallory, serial: serial) { $0.previous = nil }
      let effects = head.receive(
        [news], from: mallory.mesh.site, errand: Errand(push: crowd + (serial == 3 ? [lyon.mesh.site] : [])),
        at: now
      ).effects
      return effects.compactMap { if case .push(let push) = $0 { push.audience } else { nil } }
    }
    #expect(audiences == [[.errand(Errand(push: crowd))], [.neighbours]])
  }

  @Test("no more than the burst and what flows in gets out of a bucket", arguments: UInt64(0)..<50)
  func buckets(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let rate = TokenBucket.Rate(
      burst: Int.random(in: 1...100, using: &random), perMinute: Int.random(in: 1...100, using: &random))
    var bucket = TokenBucket(rate, at: now)
    var taken = 0
    var moment = now
    for _ in 0..<200 {
      moment = moment + Int64.random(in: 0...5, using: &random)
      let count = Int.random(in: 1...10, using: &random)
      if bucket.take(count, at: moment) { taken += count }
      #expect(taken <= rate.burst + Int(moment - now) * rate.perMinute / 60 + 1)
    }
    #expect(taken > 0 || rate.burst < 10)
  }

  @Test("a member whose digest never matches is sent so much at once, then turned away, and it alone")
  func endlessComparisons() throws {
    var (head, lyon, mallory) = try mesh()
    let address = try #require(mallory.membership?.addresses.first)
    let rate = ExchangeLimits.requestBytes
    let answer = rate.burst / 10
    let answered = (0..<50).count { _ in head.admits(bytes: answer, from: address, at: now) }
    #expect(answered == 10 && head.counters.requestsLimited == 40)
    let other = try #require(lyon.membership?.addresses.first)
    let isOtherAnswered = head.admits(bytes: answer, from: other, at: now)
    let minutes = Int64(answer / rate.perMinute + 1)
    let isAnsweredLater = head.admits(bytes: answer, from: address, at: now + 60 * minutes)
    #expect(isOtherAnswered && isAnsweredLater)
  }

  @Test("connections that are cut off are all counted, and some of them told")
  func cutOff() throws {
    var (head, _, mallory) = try mesh()
    let told = (0..<100).flatMap { _ in head.noteCutOff(mallory.mesh.site, at: now) }
    #expect(head.counters.connectionsCutOff == 100)
    #expect(told.journal.count == ExchangeLimits.entries.burst && told.journal.first == .exchangeLimited)
  }
}
