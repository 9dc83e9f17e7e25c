// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Renewal and clocks")
struct RenewalTests {
  let offices = Offices()
  let now = Offices.now
  let day: Int64 = 86_400

  @Test(
    "the authority renews memberships past half their life, as they are, and each site takes its own over")
  func renewal() throws {
    var (head, _) = try offices.head()
    var lyon = try offices.join("lyon", ["3XX"], to: &head)
    let before = try #require(lyon.membership)
    #expect(try head.handle(.tick, at: now + 364 * day).journal.isEmpty)
    let later = now + 366 * day
    let effects = try head.handle(.tick, at: later)
    #expect(effects.journal == [.membershipRenewed] && !effects.pushes.isEmpty)
    #expect(try head.handle(.tick, at: later).isEmpty)
    _ = lyon.receive(head.directory.allDocuments(), from: head.mesh.site, at: later)
    let after = try #require(lyon.membership)
    #expect(after.notAfter == later + 730 * day && after.notBefore == before.notBefore)
    #expect(after.addresses == before.addresses && after.extensions == before.extensions)
    _ = try lyon.handle(.tick, at: later)
    _ = head.receive(lyon.directory.allDocuments(), from: lyon.mesh.site, at: later)
    #expect(head.linkedSites(at: later).map(\.name) == [lyon.mesh.site])
  }

  @Test(
    "what ends soon is told in time, at the site itself and at the authority, and cuts nothing",
    arguments: [(639, nil), (641, "90 days"), (701, "30 days"), (724, "7 days"), (731, "ended")])
  func warnings(days: Int64, text: String?) throws {
    var (head, _) = try offices.head()
    let lyon = try offices.join("lyon", ["3XX"], to: &head)
    let alarms = lyon.alarms(at: now + days * day)
    #expect(alarms.count == (text == nil ? 0 : 1) && (text.map { alarms[0].contains($0) } ?? true))
    #expect(lyon.linkedSites(at: now + days * day).map(\.name) == [head.mesh.site])
    #expect(head.alarms(at: now + days * day).count == (text == nil ? 0 : 2))
  }

  @Test("a site that was off for a month, its descriptor ended, is linked again after one exchange")
  func monthOff() throws {
    var (head, _) = try offices.head()
    var lyon = try offices.join("lyon", ["3XX"], to: &head)
    let later = now + 31 * day
    _ = try head.handle(.tick, at: later)
    let stale = try #require(head.sites(at: later).first { $0.name == lyon.mesh.site })
    #expect(stale.isDescriptorExpired && stale.descriptor != nil, "it shows and cuts nothing")
    _ = try lyon.handle(.tick, at: later)
    var agents = [head, lyon]
    offices.exchange(&agents, at: later)
    for (agent, other) in [(agents[0], agents[1]), (agents[1], agents[0])] {
      let site = try #require(agent.linkedSites(at: later).first { $0.name == other.mesh.site })
      #expect(!site.isDescriptorExpired && site.conflict == nil)
      #expect(agent.alarms(at: later).isEmpty)
    }
  }

  @Test("a clock that most others contradict is told, signs no membership, and is believed again afterwards")
  func clock() throws {
    var (head, _) = try offices.head()
    let others = try ["lyon", "nice", "oslo"].enumerated().map { index, name in
      try offices.join(name, ["\(index + 3)XX"], to: &head)
    }
    let ahead = now + 400 * day
    for other in others.prefix(1) { _ = try head.handle(.clock(now, of: other.mesh.site), at: ahead) }
    #expect(head.clockDeviation(at: ahead) == -400 * day)
    // One against one: the one that agrees with us raises the doubt about the other.
    _ = try head.handle(.clock(ahead, of: others[1].mesh.site), at: ahead)
    #expect(head.clockDeviation(at: ahead) == nil)
    _ = try head.handle(.clock(now + 5, of: others[2].mesh.site), at: ahead)
    #expect(head.clockDeviation(at: ahead) == -400 * day + 5)
    #expect(head.alarms(at: ahead).contains { $0.contains("ahead of") })
    #expect(!head.linkedSites(at: ahead).isEmpty)
    let held = head.directory.memberships
    _ = try head.handle(.tick, at: ahead)
    #expect(head.directory.memberships == held)
    // Its descriptor is dated in the future now; when the others agree again it signs another one.
    let dated = try #require(head.directory.descriptor(of: head.identity)).content
    #expect(dated.issuedAt == ahead)
    for other in others { _ = try head.handle(.clock(now, of: other.mesh.site), at: now) }
    _ = try head.handle(.tick, at: now)
    #expect(try #require(head.directory.descriptor(of: head.identity)).content.issuedAt == now)
    #expect(head.alarms(at: now).isEmpty)
  }
}
