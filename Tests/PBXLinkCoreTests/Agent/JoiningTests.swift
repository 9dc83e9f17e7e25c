// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Inviting and joining")
struct JoiningTests {
  let offices = Offices()
  let now = Offices.now

  @Test("an open invitation lets its throw-away key in, to the exchange alone")
  func invitation() throws {
    var head = try offices.head().agent
    let (invitation, pending, effects) = try offices.invite("lyon", ["2XX"], to: &head)
    #expect(effects.first == .saveInvitations)
    #expect(effects.journal == [.siteInvited])
    #expect(effects.last == .reconcile)
    #expect(invitation.inviter.publicKey == head.keys.tunnel.publicKey)
    #expect(invitation.inviter.addresses == head.ownSite(at: now)?.membership.addresses)
    #expect(invitation.tunnel.address == pending.tunnelAddress)
    let desired = try head.desiredState(at: now)
    #expect(
      desired.tunnel.peers
        == [TunnelPeer(publicKey: pending.tunnelKey, allowedIPs: [IPPrefix(host: pending.tunnelAddress)])])
    #expect(desired.firewall.invited == [pending.tunnelAddress])
    #expect(desired.firewall.members == [])
    #expect(desired.trunk.peers == [])
    #expect(!"\(head.invitations)".contains(Base64URL.encode(invitation.secret.exposedBytes)))
  }

  @Test("after the join both ends want the same link")
  func links() throws {
    var agents = [try offices.head().agent]
    let lyon = try offices.join("lyon", ["2XX"], to: &agents[0])
    agents.append(lyon)
    for (here, there) in [(agents[0], agents[1]), (agents[1], agents[0])] {
      let desired = try here.desiredState(at: now)
      let other = try #require(there.ownSite(at: now))
      let addresses = other.membership.addresses
      let peer = try #require(desired.tunnel.peers.first { $0.publicKey == there.keys.tunnel.publicKey })
      #expect(peer.allowedIPs == Set(addresses.map(IPPrefix.init(host:))))
      #expect(peer.keepalive == 25)
      #expect(desired.firewall.members == addresses.sorted())
      let trunk = try #require(desired.trunk.peers.first)
      #expect(desired.trunk.peers.count == 1)
      #expect(trunk.site == there.mesh.site)
      #expect(trunk.address == addresses[0])
      #expect(trunk.extensions == other.extensions)
      #expect(desired.problems == [])
    }
    let (atHead, atLyon) = try (agents[0].desiredState(at: now), agents[1].desiredState(at: now))
    #expect(atHead.trunk.peers[0].inbound == [atLyon.trunk.peers[0].outbound])
    #expect(atLyon.trunk.peers[0].inbound == [atHead.trunk.peers[0].outbound])
    #expect(atHead.trunk.peers[0].outbound.userName == "plk_head.k1_1")
    #expect(atLyon.trunk.peers[0].outbound.userName == "plk_lyon.k1_1")
    #expect(atHead.trunk.peers[0].outbound.secret != atLyon.trunk.peers[0].outbound.secret)
    // Head has a public address; Lyon, behind NAT, has none and must call in.
    #expect(atLyon.tunnel.peers[0].endpoint?.description == "203.0.113.5:51820")
    #expect(atHead.tunnel.peers.first { $0.publicKey == lyon.keys.tunnel.publicKey }?.endpoint == nil)
  }

  @Test("during a rotation every pair of generations is let in, and the newest is presented")
  func generations() throws {
    var head = try offices.head().agent
    let lyon = try offices.join("lyon", ["2XX"], to: &head, generations: [3, 4])
    let atHead = try #require(try head.desiredState(at: now).trunk.peers.first)
    let atLyon = try #require(try lyon.desiredState(at: now).trunk.peers.first)
    #expect(atHead.inbound.map(\.userName) == ["plk_lyon.k3_1", "plk_lyon.k4_1"])
    #expect(atLyon.outbound.userName == "plk_lyon.k4_1")
    #expect(atHead.inbound.contains(atLyon.outbound))
    #expect(atHead.outbound.userName == "plk_head.k1_4")
    #expect(atLyon.inbound.map(\.userName) == ["plk_head.k1_3", "plk_head.k1_4"])
    #expect(atLyon.inbound.contains(atHead.outbound))
  }

  @Test("both ends agree on cap, codecs and encryption")
  func agreement() throws {
    var head = try offices.head().agent
    var configuration = try offices.configuration()
    configuration.trunk.callLimit = 9
    configuration.trunk.codecs = ["opus", "alaw"]
    configuration.trunk.encryption = false
    configuration.trunk.port = 4600
    let lyon = try offices.join("lyon", ["2XX"], to: &head, configuration: configuration)
    let atHead = try #require(try head.desiredState(at: now).trunk.peers.first)
    let atLyon = try #require(try lyon.desiredState(at: now).trunk.peers.first)
    #expect((atHead.callLimit, atLyon.callLimit) == (4, 4))
    #expect((atHead.codecs, atLyon.codecs) == (["alaw"], ["alaw"]))
    #expect((atHead.encryption, atLyon.encryption) == (false, false))
    #expect((atHead.port, atLyon.port) == (4600, 4569))
  }

  @Test("redeeming again with the same identity gives the same answer, with another none")
  func redeemedTwice() throws {
    var head = try offices.head().agent
    let invitation = try offices.invite("lyon", ["2XX"], to: &head).invitation
    let (first, effects) = try offices.redeem(invitation, as: "lyon", at: &head)
    #expect(effects.prefix(2) == [.saveDocuments, .saveInvitations])
    #expect(effects.journal == [.siteAdmitted])
    #expect(effects.pushes.map(\.documents) == [[first.membership]])
    let state = (head.directory, head.invitations)
    let (second, none) = try offices.redeem(invitation, as: "lyon", at: &head)
    #expect(second == first)
    #expect(none == [])
    #expect(throws: AgentError.invitationRedeemed(try offices.site("lyon"))) {
      _ = try offices.redeem(invitation, as: "mallory", at: &head)
    }
    #expect((head.directory, head.invitations) == state)
    var restarted = try offices.restarted(head)
    #expect(try offices.redeem(invitation, as: "lyon", at: &restarted).answer == first)
  }

  @Test("a wrong secret, an unknown address and an expired invitation change nothing")
  func refusals() throws {
    var head = try offices.head().agent
    let (invitation, pending, _) = try offices.invite("lyon", ["2XX"], to: &head, lifetime: 60)
    let state = (head.directory, head.invitations)
    let identity = try FakeSigner("lyon").publicKey
    for secret in ["", "!", Base64URL.encode(Array(repeating: 0, count: 16))] {
      #expect(throws: AgentError.invitationSecretWrong) {
        _ = try head.redeem(.init(secret: secret, identity: identity), from: pending.tunnelAddress, at: now)
      }
    }
    let secret = Base64URL.encode(invitation.secret.exposedBytes)
    let lasting = pending.addresses[0]
    #expect(throws: AgentError.invitationUnknown) {
      _ = try head.redeem(.init(secret: secret, identity: identity), from: lasting, at: now)
    }
    #expect(throws: AgentError.invitationExpired(pending.site, now + 60)) {
      _ = try offices.redeem(invitation, as: "lyon", at: &head, now: now + 60)
    }
    #expect((head.directory, head.invitations) == state)
    #expect(throws: Never.self) { _ = try offices.redeem(invitation, as: "lyon", at: &head, now: now + 59) }
  }

  @Test("an invitation that expires unused is closed and told")
  func expiry() throws {
    var head = try offices.head().agent
    _ = try offices.invite("lyon", ["2XX"], to: &head, lifetime: 60)
    #expect(try head.handle(.tick, at: now + 60) == [])
    let effects = try head.handle(.tick, at: now + 61)
    #expect(effects.first == .saveInvitations)
    #expect(effects.journal == [.invitationExpired])
    #expect(effects.last == .reconcile)
    #expect(try head.desiredState(at: now + 61).tunnel.peers == [])
    #expect(throws: Never.self) { _ = try offices.invite("oslo", ["2XX"], to: &head) }
  }

  @Test("a name that is taken or invited and redeemed is refused")
  func names() throws {
    var head = try offices.head().agent
    let lyon = try offices.join("lyon", ["2XX"], to: &head)
    #expect(throws: AgentError.siteTaken(lyon.mesh.site)) {
      _ = try offices.invite("lyon", ["5XX"], to: &head)
    }
    #expect(try head.handle(.heard(lyon.mesh.site), at: now) == [.saveInvitations, .reconcile])
    for name in ["lyon", "head"] {
      #expect(throws: AdmissionError.nameTaken(try offices.site(name))) {
        _ = try offices.invite(name, ["5XX"], to: &head)
      }
    }
    #expect(throws: AdmissionError.identityTaken(by: lyon.mesh.site)) {
      let invitation = try offices.invite("oslo", ["3XX"], to: &head).invitation
      _ = try offices.redeem(invitation, as: "lyon", at: &head)
    }
  }

  @Test("extensions that a member or an open invitation has, and emergency numbers, are refused")
  func extensions() throws {
    var head = try offices.head().agent
    _ = try offices.join("lyon", ["2XX"], to: &head)
    _ = try offices.invite("oslo", ["3XX"], to: &head)
    for pattern in ["60X", "299", "3[0-4]X", "9XX", "112"] {
      let before = head.invitations
      #expect(throws: AdmissionError.self, "\(pattern)") {
        _ = try offices.invite("rome", [pattern], to: &head)
      }
      #expect(head.invitations == before)
    }
    #expect(throws: Never.self) { _ = try offices.invite("rome", ["4XX", "3XXX"], to: &head) }
    // What was promised cannot be taken by the inviter's own site file either.
    var own = head
    let greedy = try offices.configuration(extensions: ["6XX", "30X"], endpoints: ["203.0.113.5:51820"])
    #expect(throws: AdmissionError.self) { _ = try own.handle(.configuration(greedy), at: now) }
  }

  @Test("two sites that join at the same moment both get in, with addresses of their own")
  func atOnce() throws {
    var head = try offices.head(network: "10.77.0.0/28").agent
    let first = try offices.invite("lyon", ["2XX"], to: &head).invitation
    let second = try offices.invite("oslo", ["3XX"], to: &head).invitation
    let answers = try [
      (first, "lyon", offices.redeem(first, as: "lyon", at: &head).answer),
      (second, "oslo", offices.redeem(second, as: "oslo", at: &head).answer),
    ]
    var agents = [head]
    agents += try answers.map { invitation, name, answer in
      try Agent.join(
        invitation, answer: answer, configuration: offices.configuration(), keys: .fake(name),
        cryptography: offices.cryptography, at: now
      ).agent
    }
    offices.exchange(&agents)
    offices.exchange(&agents)
    for agent in agents { #expect(agent.linkedSites(at: now).count == 2) }
    let addresses = agents[0].sites(at: now).flatMap(\.membership.addresses)
    let throwAway = agents[0].invitations.map(\.tunnelAddress)
    #expect(Set(addresses + throwAway).count == 3 * 2 + 2)
  }

  @Test("a small network runs out of addresses with an error, not with a double")
  func exhaustion() throws {
    var head = try offices.head(network: "10.77.0.0/28").agent
    var addresses: [IPAddress] = head.ownSite(at: now)?.membership.addresses ?? []
    let error = #expect(throws: AgentError.self) {
      for number in 10..<99 {
        let pending = try offices.invite("site-\(number)", ["\(number)XX"], to: &head).pending
        addresses += pending.addresses + [pending.tunnelAddress]
      }
    }
    #expect(error == .addressesExhausted(head.mesh.networks[0]))
    #expect(addresses.filter { $0.family == .v4 }.count == 13)
    #expect(Set(addresses).count == addresses.count)
  }

  @Test("inviting again replaces an unused invitation and keeps its addresses")
  func replacement() throws {
    var head = try offices.head().agent
    let (old, pending, _) = try offices.invite("lyon", ["2XX"], to: &head)
    let (new, replacing, _) = try offices.invite("lyon", ["2XX", "5XX"], to: &head, entropy: "second")
    #expect(replacing.addresses == pending.addresses)
    #expect(head.invitations == [replacing])
    #expect(try head.desiredState(at: now).tunnel.peers.map(\.publicKey) == [replacing.tunnelKey])
    #expect(throws: AgentError.invitationSecretWrong) { _ = try offices.redeem(old, as: "lyon", at: &head) }
    #expect(throws: Never.self) { _ = try offices.redeem(new, as: "lyon", at: &head) }
  }

  @Test("hearing the member from its own address closes the invitation, and nothing else does")
  func heard() throws {
    var head = try offices.head().agent
    let lyon = try offices.site("lyon")
    let invitation = try offices.invite("lyon", ["2XX"], to: &head).invitation
    #expect(try head.handle(.heard(lyon), at: now) == [], "not redeemed yet")
    _ = try offices.redeem(invitation, as: "lyon", at: &head)
    #expect(try head.handle(.heard(offices.site("oslo")), at: now) == [])
    #expect(try head.desiredState(at: now).firewall.invited == [invitation.tunnel.address])
    #expect(try head.handle(.heard(lyon), at: now) == [.saveInvitations, .reconcile])
    #expect(try head.desiredState(at: now).firewall.invited == [])
    #expect(try head.handle(.heard(lyon), at: now) == [])
  }

  @Test("an inviter without public endpoint says so")
  func endpointMissing() throws {
    var head = try offices.head(configuration: offices.configuration(extensions: ["6XX"])).agent
    #expect(throws: AgentError.endpointMissing) { _ = try offices.invite("lyon", ["2XX"], to: &head) }
  }

  @Test("an answer that is not for this server, or from another authority, is not believed")
  func answers() throws {
    var head = try offices.head().agent
    let invitation = try offices.invite("lyon", ["2XX"], to: &head).invitation
    let other = try offices.invite("oslo", ["3XX"], to: &head).invitation
    let answer = try offices.redeem(invitation, as: "lyon", at: &head).answer
    func join(_ invitation: Invitation, _ answer: JoinAnswer, as name: String) throws {
      _ = try Agent.join(
        invitation, answer: answer, configuration: offices.configuration(), keys: .fake(name),
        cryptography: offices.cryptography, at: now)
    }
    #expect(throws: AgentError.self) { try join(invitation, answer, as: "mallory") }
    #expect(throws: AgentError.self) { try join(other, answer, as: "lyon") }
    let foreign = try SampleMesh(authority: "mallory")
    let forged = try foreign.sign(foreign.membership("lyon", number: 2))
    #expect(throws: DocumentError.self) {
      try join(invitation, JoinAnswer(membership: forged, documents: []), as: "lyon")
    }
    #expect(throws: Never.self) { try join(invitation, answer, as: "lyon") }
  }

  @Test("a site file that announces more than was granted is refused while the admin is there to read it")
  func notGranted() throws {
    var head = try offices.head().agent
    let invitation = try offices.invite("lyon", ["2XX"], to: &head).invitation
    let answer = try offices.redeem(invitation, as: "lyon", at: &head).answer
    let greedy = try offices.configuration(extensions: ["2XX", "5XX"])
    let refusal = AgentError.extensionsNotGranted(
      greedy.numbers.extensions, granted: try offices.patterns(["2XX"]))
    #expect(throws: refusal) {
      _ = try Agent.join(
        invitation, answer: answer, configuration: greedy, keys: .fake("lyon"),
        cryptography: offices.cryptography, at: now)
    }
    var lyon = try Agent.join(
      invitation, answer: answer, configuration: offices.configuration(), keys: .fake("lyon"),
      cryptography: offices.cryptography, at: now
    ).agent
    #expect(throws: refusal) { _ = try lyon.handle(.configuration(greedy), at: now) }
    // Found only at the next start, it withholds the surplus and stops nothing.
    var restarted = try offices.restarted(lyon, configuration: greedy)
    _ = try restarted.handle(.tick, at: now)
    #expect(try restarted.ownSite(at: now)?.extensions == offices.patterns(["2XX"]))
    #expect(try restarted.desiredState(at: now).trunk.ownExtensions == offices.patterns(["2XX"]))
    let revocation = try head.remove(lyon.mesh.site, reason: "closed", at: now).pushes[0].documents
    #expect(restarted.receive(revocation, from: head.mesh.site, at: now).receipt.accepted == 1)
  }
}
