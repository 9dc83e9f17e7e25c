// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Delegated admission and grants")
struct DelegationTests {
  let offices = Offices()
  let now = Offices.now

  /// Head, and Lyon with a public address, which may admit sites with 5XX.
  private func mesh() throws -> [Agent] {
    var head = try offices.head().agent
    var lyon = try offices.join(
      "lyon", ["2XX"], to: &head, configuration: offices.configuration(endpoints: ["203.0.113.6:51820"]))
    let effects = try head.grant(lyon.mesh.site, Grant(invite: offices.patterns(["5XX"])), at: now)
    #expect(effects.journal.contains(.siteGranted))
    _ = lyon.receive(effects.pushes.flatMap(\.documents), from: nil, at: now)
    return [head, lyon]
  }

  @Test("a site that may admit others does so alone, and everyone believes it")
  func admits() throws {
    var agents = try mesh()
    agents.append(try offices.join("depot", ["55X"], to: &agents[1]))
    offices.exchange(&agents)
    #expect(agents.map { $0.linkedSites(at: now).count } == [2, 2, 2])
    let depot = try #require(agents[0].sites(at: now).first { $0.name.description == "depot" })
    #expect(depot.membership.admittedBy == agents[1].mesh.site)
    #expect(depot.membership.roles == [] && depot.extensions.map(\.description) == ["55X"])
    #expect(agents[0].sitesAdmitted(by: agents[1].mesh.site) == [depot.name])
    #expect(try offices.restarted(agents[2]).directory == agents[2].directory)
    #expect(throws: AgentError.notAuthority(verb: "add-site", holders: agents[2].authorityHolders)) {
      _ = try offices.invite("oslo", ["56X"], to: &agents[2])
    }
  }

  @Test("it is refused what it may not grant, with the reason")
  func limits() throws {
    var agents = try mesh()
    let pattern = try #require(ExtensionPattern("6[0-4]X"))
    #expect(throws: AdmissionError.notDelegated(pattern)) {
      _ = try offices.invite("depot", ["6[0-4]X"], to: &agents[1])
    }
    for (roles, invite) in [([Role.relay], []), ([], ["55X"])] {
      #expect(
        throws: AgentError.notAuthority(verb: "add-site with a role", holders: agents[1].authorityHolders)
      ) {
        _ = try agents[1].invite(
          offices.site("depot"), extensions: [], roles: roles, invite: offices.patterns(invite), lifetime: 60,
          entropy: .fake("depot"), at: now)
      }
    }
    #expect(throws: AgentError.notAuthority(verb: "remove-site", holders: agents[1].authorityHolders)) {
      _ = try agents[1].remove(agents[0].mesh.site, reason: "", at: now)
    }
    // The authority keeps its hands off what it has delegated.
    let delegated = try #require(ExtensionPattern("5XX"))
    let error = AdmissionError.extensionsDelegated(
      try #require(ExtensionPattern("50X")), to: agents[1].mesh.site)
    #expect(throws: error) { _ = try offices.invite("rome", ["50X"], to: &agents[0]) }
    #expect(throws: AdmissionError.extensionsDelegated(delegated, to: agents[1].mesh.site)) {
      _ = try agents[0].invite(
        offices.site("rome"), extensions: [], roles: [], invite: [delegated], lifetime: 60,
        entropy: .fake("rome"), at: now)
    }
    let gone = try offices.join("rome", ["3XX"], to: &agents[0])
    _ = try agents[0].remove(gone.mesh.site, reason: "", at: now)
    offices.exchange(&agents)
    #expect(throws: AdmissionError.nameUsed(gone.mesh.site)) {
      _ = try offices.invite("rome", ["51X"], to: &agents[1])
    }
  }

  @Test("a site invited as an inviter is one from the start")
  func invited() throws {
    var head = try offices.head().agent
    let (_, text, _) = try head.invite(
      offices.site("lyon"), extensions: offices.patterns(["2XX"]), roles: [],
      invite: offices.patterns(["5XX"]),
      lifetime: 60, entropy: .fake("lyon"), at: now)
    let invitation = try Invitation.parse(text, now: now, using: offices.cryptography)
    let answer = try offices.redeem(invitation, as: "lyon", at: &head).answer
    var lyon = try Agent.join(
      invitation, answer: answer, configuration: offices.configuration(endpoints: ["203.0.113.6:51820"]),
      keys: .fake("lyon"), cryptography: offices.cryptography, at: now
    ).agent
    #expect(
      try offices.join("depot", ["5XX"], to: &lyon).linkedSites(at: now).map(\.name) == [
        head.mesh.site, lyon.mesh.site,
      ])
  }

  @Test("the sites of an inviter that is removed stay, or go with it")
  func removal() throws {
    for withAdmitted in [false, true] {
      var agents = try mesh()
      agents.append(try offices.join("depot", ["55X"], to: &agents[1]))
      offices.exchange(&agents)
      let effects = try agents[0].remove(
        agents[1].mesh.site, withAdmitted: withAdmitted, reason: "stolen", at: now)
      #expect(effects.hungUp.count == (withAdmitted ? 2 : 1))
      offices.exchange(&agents)
      #expect(agents[0].linkedSites(at: now).map(\.name.description) == (withAdmitted ? [] : ["depot"]))
      #expect(agents[2].isRevoked == withAdmitted)
      guard !withAdmitted else { continue }
      #expect(agents[2].linkedSites(at: now).map(\.name) == [agents[0].mesh.site])
      // What the removed one signs now is worth nothing.
      var thief = try mesh()[1]
      let evil = try offices.join("evil", ["56X"], to: &thief)
      _ = agents[0].receive(evil.directory.allDocuments(), from: nil, at: now)
      #expect(agents[0].linkedSites(at: now).map(\.name.description) == ["depot"])
    }
  }

  @Test("a delegation that is narrowed or ended keeps what was admitted, under the authority's word")
  func narrowed() throws {
    var agents = try mesh()
    let lyon = agents[1].mesh.site
    agents.append(try offices.join("depot", ["55X"], to: &agents[1]))
    agents.append(try offices.join("store", ["51X"], to: &agents[1]))
    offices.exchange(&agents)
    _ = try agents[0].grant(lyon, Grant(invite: offices.patterns(["51X"])), at: now)
    _ = try agents[0].grant(lyon, Grant(invite: []), at: now)
    offices.exchange(&agents)
    #expect(agents.map { $0.linkedSites(at: now).count } == [3, 3, 3, 3])
    #expect(agents[0].sitesAdmitted(by: lyon).map(\.description) == ["depot", "store"])
    #expect(throws: AgentError.notAuthority(verb: "add-site", holders: agents[1].authorityHolders)) {
      _ = try offices.invite("oslo", ["56X"], to: &agents[1])
    }
  }

  @Test("a new authority admits anew what an inviter has admitted")
  func newAuthority() throws {
    var head = try offices.head(recovery: "recovery").agent
    var lyon = try offices.join(
      "lyon", ["2XX"], to: &head, configuration: offices.configuration(endpoints: ["203.0.113.6:51820"]))
    _ = try head.grant(lyon.mesh.site, Grant(invite: offices.patterns(["5XX"])), at: now)
    var agents = [head, lyon]
    offices.exchange(&agents)
    lyon = agents[1]
    agents = [agents[0], lyon, try offices.join("depot", ["55X"], to: &lyon)]
    agents[1] = lyon
    offices.exchange(&agents)
    _ = try agents[2].recover(
      with: FakeSigner("recovery"), authority: FakeSigner("new"), next: FakeSigner("next").publicKey, at: now)
    offices.exchange(&agents)
    #expect(agents.map { $0.linkedSites(at: now).count } == [2, 2, 2])
    #expect(throws: Never.self) { _ = try offices.join("store", ["51X"], to: &agents[1]) }
  }

  @Test("extensions and relaying change; what a site announces beyond its grant is withheld")
  func grants() throws {
    var agents = try mesh()
    let lyon = agents[1].mesh.site
    _ = try agents[0].grant(lyon, Grant(extensions: offices.patterns(["3XX"]), relay: true), at: now)
    var site = try #require(agents[0].sites(at: now).first { $0.name == lyon })
    #expect(site.membership.roles == [.inviter, .relay])
    #expect(site.extensions == [] && site.withheldExtensions.map(\.description) == ["2XX"])
    offices.exchange(&agents)
    _ = try agents[1].handle(.tick, at: now)
    offices.exchange(&agents)
    site = try #require(agents[0].sites(at: now).first { $0.name == lyon })
    #expect(site.extensions.map(\.description) == ["3XX"])
    #expect(site.membership.delegation != nil)
    let overlap = AdmissionError.extensionsOverlap(
      try #require(ExtensionPattern("60X")), try #require(ExtensionPattern("6XX")), of: agents[0].mesh.site)
    #expect(throws: overlap) {
      _ = try agents[0].grant(lyon, Grant(extensions: offices.patterns(["60X"])), at: now)
    }
    #expect(throws: overlap) {
      _ = try agents[0].grant(lyon, Grant(invite: offices.patterns(["60X"])), at: now)
    }
    #expect(throws: AgentError.extensionsAreOurs) {
      _ = try agents[0].grant(agents[0].mesh.site, Grant(extensions: []), at: now)
    }
    #expect(throws: AgentError.notAuthority(verb: "grant", holders: agents[1].authorityHolders)) {
      _ = try agents[1].grant(lyon, Grant(relay: false), at: now)
    }
    #expect(throws: AgentError.siteUnknown(try offices.site("rome"))) {
      _ = try agents[0].grant(offices.site("rome"), Grant(relay: false), at: now)
    }
  }
}
