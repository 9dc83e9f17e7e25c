// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Removing a site")
struct RemovalTests {
  let offices = Offices()
  let now = Offices.now

  /// Head, Lyon and Oslo, who all know each other.
  private func mesh() throws -> [Agent] {
    var head = try offices.head().agent
    var agents = [
      try offices.join("lyon", ["2XX"], to: &head), try offices.join("oslo", ["3XX"], to: &head),
    ]
    agents.insert(head, at: 0)
    offices.exchange(&agents)
    for agent in agents { #expect(agent.linkedSites(at: now).count == 2) }
    return agents
  }

  private func names(_ agent: Agent) throws -> [[String]] {
    let desired = try agent.desiredState(at: now)
    let open = agent.invitations.map(\.tunnelKey)
    let members = agent.sites(at: now)
    return [
      desired.tunnel.peers.filter { !open.contains($0.publicKey) }.compactMap { peer in
        members.first { $0.descriptor?.wireguard.publicKey == peer.publicKey }?.name.description ?? "?"
      }.sorted(),
      Set(
        desired.firewall.members.map { address in
          members.first { $0.membership.addresses.contains(address) }?.name.description ?? "?"
        }
      ).sorted(),
      desired.trunk.peers.map(\.site.description),
    ]
  }

  @Test("every site that hears of it loses tunnel, firewall entry, trunk and calls, and passes it on")
  func revocation() throws {
    var agents = try mesh()
    let oslo = agents[2].mesh.site
    let effects = try agents[0].remove(oslo, reason: "closed", at: now)
    #expect(effects.first == .saveInvitations)
    #expect(effects.contains(.saveDocuments))
    #expect(effects.journal == [.siteRevoked])
    #expect(effects.hungUp == [oslo])
    #expect(effects.pushes.count == 1)
    #expect(try names(agents[0]) == [["lyon"], ["lyon"], ["lyon"]])
    #expect(try agents[0].desiredState(at: now).tunnel.peers.count == 2, "Lyon, and its open invitation")

    let (receipt, heard) = agents[1].receive(effects.pushes[0].documents, from: agents[0].mesh.site, at: now)
    #expect(receipt == DocumentsReceipt(accepted: 1))
    #expect(heard.hungUp == [oslo])
    #expect(heard.pushes.map(\.except) == [agents[0].mesh.site])
    #expect(try names(agents[1]) == [["head"], ["head"], ["head"]])
    #expect(
      agents[1].site(at: try #require(agents[2].ownSite(at: now)).membership.addresses[0], now: now) == nil)
    let again = agents[1].receive(effects.pushes[0].documents, from: nil, at: now)
    #expect(again.effects == [])
  }

  @Test("a site that hears of its own revocation has no links and no calls left, and announces nothing")
  func ownRevocation() throws {
    var agents = try mesh()
    let list = try agents[0].remove(agents[2].mesh.site, reason: "closed", at: now).pushes[0].documents
    let effects = agents[2].receive(list, from: nil, at: now).effects
    #expect(agents[2].isRevoked)
    #expect(try Set(effects.hungUp) == [offices.site("head"), offices.site("lyon")])
    let desired = try agents[2].desiredState(at: now)
    #expect(desired.tunnel.peers == [])
    #expect(desired.firewall.members == [])
    #expect(desired.trunk.peers == [])
    #expect(try agents[2].handle(.tick, at: now + 20 * 86_400) == [])
    #expect(try agents[2].handle(.configuration(agents[2].configuration), at: now) == [.reconcile])
  }

  @Test("replayed, newer and re-signed documents do not bring a revoked site back, nor does a restart")
  func replay() throws {
    var agents = try mesh()
    let before = agents[0].directory.allDocuments()
    let newer = try offices.descriptor(of: agents[2]) { $0.trunk.callLimit = 7 }
    let list = try agents[0].remove(agents[2].mesh.site, reason: "stolen", at: now).pushes[0].documents
    _ = agents[1].receive(list, from: nil, at: now)
    for index in [0, 1] {
      let held = agents[index].directory
      let (receipt, effects) = agents[index].receive(before + [newer], from: agents[2].mesh.site, at: now)
      #expect(receipt.accepted == 0)
      #expect(effects == [])
      #expect(agents[index].directory == held)
      let restarted = try offices.restarted(agents[index])
      #expect(try restarted.desiredState(at: now) == agents[index].desiredState(at: now))
      #expect(restarted.linkedSites(at: now).count == 1)
    }
    #expect(throws: AdmissionError.identityRevoked(agents[2].mesh.site)) {
      let invitation = try offices.invite("oslo", ["3XX"], to: &agents[0]).invitation
      _ = try offices.redeem(invitation, as: "oslo", at: &agents[0])
    }
  }

  @Test("a removed site's name, address and extensions are free for a new identity")
  func readmission() throws {
    var agents = try mesh()
    let old = try #require(agents[2].ownSite(at: now)).membership
    _ = try agents[0].remove(old.site, reason: "rebuilt", at: now)
    let invitation = try offices.invite("oslo", ["3XX"], to: &agents[0], entropy: "again").invitation
    let answer = try offices.redeem(invitation, as: "oslo-2", at: &agents[0]).answer
    let (agent, _) = try Agent.join(
      invitation, answer: answer, configuration: offices.configuration(), keys: .fake("oslo-2"),
      cryptography: offices.cryptography, at: now)
    agents[2] = agent
    offices.exchange(&agents)
    let new = try #require(agents[1].sites(at: now).first { $0.name == old.site })
    #expect(new.membership.addresses == old.addresses)
    #expect(new.identity == agents[2].identity)
    #expect(agents.map { $0.linkedSites(at: now).count } == [2, 2, 2])
  }

  @Test("an open invitation goes with the site, and alone when nobody has used it")
  func invitations() throws {
    var head = try offices.head().agent
    _ = try offices.invite("lyon", ["2XX"], to: &head)
    let effects = try head.remove(offices.site("lyon"), reason: "", at: now)
    #expect(effects.first == .saveInvitations)
    #expect(effects.last == .reconcile)
    #expect(effects.hungUp == [])
    #expect(head.invitations == [])
    let second = try offices.invite("lyon", ["2XX"], to: &head, entropy: "second").invitation
    _ = try offices.redeem(second, as: "lyon", at: &head)
    _ = try head.remove(offices.site("lyon"), reason: "", at: now)
    #expect(head.invitations == [])
    #expect(throws: AgentError.invitationUnknown) { _ = try offices.redeem(second, as: "lyon", at: &head) }
  }

  @Test("a site that is unknown, gone already or our own is not removed")
  func refusals() throws {
    var agents = try mesh()
    let (head, lyon, rome) = try (offices.site("head"), offices.site("lyon"), offices.site("rome"))
    _ = try agents[0].remove(lyon, reason: "", at: now)
    let held = agents[0].directory
    #expect(throws: AgentError.siteUnknown(rome)) { _ = try agents[0].remove(rome, reason: "", at: now) }
    #expect(throws: AgentError.siteRevoked(lyon)) { _ = try agents[0].remove(lyon, reason: "", at: now) }
    #expect(throws: AgentError.siteIsOurs(head)) { _ = try agents[0].remove(head, reason: "", at: now) }
    #expect(agents[0].directory == held)
  }

  @Test("nothing about a site itself stands in the way of a revocation")
  func always() throws {
    var agents = try mesh()
    let list = try agents[0].remove(agents[2].mesh.site, reason: "", at: now).pushes[0].documents
    var unsound = agents[1].configuration
    unsound.numbers.extensions = try offices.patterns(["7XX"])
    unsound.trunk.codecs = []
    unsound.trunk.callLimit = 0
    var lyon = try offices.restarted(agents[1], configuration: unsound)
    #expect(lyon.receive(list, from: nil, at: now + 20 * 86_400).effects.hungUp == [agents[2].mesh.site])
    #expect(try names(lyon) == [["head"], ["head"], ["head"]])
  }
}
