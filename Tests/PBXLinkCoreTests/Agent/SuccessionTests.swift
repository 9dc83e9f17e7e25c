// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("A new authority")
struct SuccessionTests {
  let offices = Offices()
  let now = Offices.now

  /// Head, Lyon and Nice, who all know each other, with a recovery key.
  private func mesh(recovery: String? = "recovery") throws -> [Agent] {
    var head = try offices.head(recovery: recovery).agent
    var agents = [
      try offices.join("lyon", ["2XX"], to: &head), try offices.join("nice", ["3XX"], to: &head),
    ]
    agents.insert(head, at: 0)
    offices.exchange(&agents)
    return agents
  }

  @discardableResult
  private func recover(
    _ agent: inout Agent, with recovery: String = "recovery", authority: String = "new",
    at now: Timestamp? = nil
  ) throws -> Agent.Recovery {
    try agent.recover(
      with: FakeSigner(recovery), authority: FakeSigner(authority),
      next: FakeSigner("recovery of \(authority)").publicKey, at: now ?? self.now)
  }

  private func linked(_ agent: Agent) -> [String] { agent.linkedSites(at: now).map(\.name.description) }

  @Test("any member makes it with the recovery key; links stay, and admitting and removing work there")
  func recovery() throws {
    var agents = try mesh()
    let before = try agents.map { try $0.desiredState(at: now) }
    let result = try recover(&agents[1])
    #expect(result.sites.map(\.description) == ["head", "lyon", "nice"])
    #expect(result.effects.first == .saveDocuments)
    #expect(result.effects.journal == [.authorityChanged])
    for index in [0, 2] {
      for push in result.effects.pushes {
        let receipt = agents[index].receive(push.documents, from: agents[1].mesh.site, at: now).receipt
        #expect(receipt.refused == [])
      }
    }
    for (agent, before) in zip(agents, before) {
      #expect(try agent.directory.authority == FakeSigner("new").publicKey)
      let after = try agent.desiredState(at: now)
      #expect(
        after.tunnel == before.tunnel && after.trunk == before.trunk && after.firewall == before.firewall)
      #expect(try offices.restarted(agent).directory == agent.directory)
    }
    #expect(agents[0].keys.authority == nil)
    #expect(agents[0].directory.members.map { $0.roles.contains(.inviter) } == [false, true, false])
    #expect(throws: AgentError.notAuthority(verb: "add-site", holders: agents[0].authorityHolders)) {
      _ = try offices.invite("oslo", [], to: &agents[0])
    }
    agents[1].configuration.tunnel.endpoints = try [#require(Endpoint("203.0.113.9:51820"))]
    agents.append(try offices.join("oslo", ["4XX"], to: &agents[1]))
    offices.exchange(&agents)
    #expect(agents.map { linked($0).count } == [3, 3, 3, 3])
    #expect(try offices.restarted(agents[1]).keys.authority != nil)
    let gone = try agents[1].remove(agents[0].mesh.site, reason: "stolen", at: now).pushes[0].documents
    _ = agents[3].receive(gone, from: nil, at: now)
    #expect(linked(agents[3]) == ["lyon", "nice"])
  }

  @Test("each site writes a descriptor with its new membership at its next tick")
  func descriptors() throws {
    var agents = try mesh()
    try recover(&agents[1])
    offices.exchange(&agents)
    for index in agents.indices {
      _ = try agents[index].handle(.tick, at: now)
      let descriptor = try #require(agents[index].directory.descriptor(of: agents[index].identity)).content
      let membership = try #require(agents[index].directory.membership(of: agents[index].identity))
      #expect(descriptor.membership == membership.text)
    }
  }

  @Test("what the former authority's key signs afterwards makes nobody a member and puts nobody out")
  func formerKey() throws {
    var agents = try mesh()
    var stolen = agents[0]
    try recover(&agents[1])
    offices.exchange(&agents)
    let held = agents[2].directory
    let evil = try offices.join("evil", ["5XX"], to: &stolen)
    let revocation = try stolen.remove(agents[1].mesh.site, reason: "", at: now).pushes.flatMap(\.documents)
    let charter = try stolen.nameRecoveryKey(FakeSigner("thief").publicKey, at: now).pushes.flatMap(
      \.documents)
    let documents = evil.directory.allDocuments() + revocation + charter + stolen.directory.allDocuments()
    _ = agents[2].receive(documents, from: nil, at: now)
    #expect(agents[2].directory.authority == held.authority)
    #expect(linked(agents[2]) == ["head", "lyon"])
    #expect(agents[2].directory.revoked.isEmpty)
    // Nor with a succession of its own to a key of the thief's, by the recovery key that it has named.
    #expect(throws: Never.self) { try recover(&stolen, with: "thief", authority: "theft") }
    _ = agents[2].receive(stolen.directory.allDocuments(), from: nil, at: now)
    #expect(agents[2].directory.authority == held.authority)
  }

  @Test("only the recovery key makes one, and once; a mesh that has none says so")
  func keys() throws {
    var agents = try mesh()
    for wrong in ["mallory", "authority", "head"] {
      #expect(throws: AgentError.recoveryKeyWrong(isKnown: true)) { try recover(&agents[1], with: wrong) }
    }
    try recover(&agents[1])
    #expect(throws: AgentError.recoveryKeyWrong(isKnown: true)) {
      try recover(&agents[1], authority: "newer")
    }
    #expect(throws: Never.self) { try recover(&agents[1], with: "recovery of new", authority: "newer") }
    var older = try mesh(recovery: nil)
    #expect(throws: AgentError.recoveryKeyWrong(isKnown: false)) { try recover(&older[1]) }
    #expect(
      throws: AgentError.notAuthority(verb: "authority recovery-key", holders: older[1].authorityHolders)
    ) {
      _ = try older[1].nameRecoveryKey(FakeSigner("late").publicKey, at: now)
    }
    _ = try older[0].nameRecoveryKey(FakeSigner("late").publicKey, at: now)
    offices.exchange(&older)
    try recover(&older[1], with: "late")
    offices.exchange(&older)
    #expect(older.map { linked($0).count } == [2, 2, 2])
  }

  @Test("a recovery key that was named for a lost one works")
  func replacedKey() throws {
    var agents = try mesh()
    _ = try agents[0].nameRecoveryKey(FakeSigner("second").publicKey, at: now)
    offices.exchange(&agents)
    try recover(&agents[2], with: "second")
    offices.exchange(&agents)
    for agent in agents { #expect(try agent.directory.authority == FakeSigner("new").publicKey) }
  }

  @Test("a site that was off during several changes finds its way back by one exchange with any other")
  func offDuringChanges() throws {
    var agents = try mesh()
    let off = agents[2]
    try recover(&agents[1])
    var rest = [agents[0], agents[1]]
    offices.exchange(&rest)
    try recover(&rest[0], with: "recovery of new", authority: "newer")
    offices.exchange(&rest)
    var both = [off, rest[1]]
    offices.exchange(&both)
    #expect(try both[0].directory.authority == FakeSigner("newer").publicKey)
    #expect(linked(both[0]) == ["head", "lyon"] && linked(both[1]) == ["head", "nice"])
    // It comes back as a member, and its own descriptor was never lost to the others.
    _ = try both[0].handle(.tick, at: now)
    offices.exchange(&both)
    #expect(both[0].directory.digest() == both[1].directory.digest())
  }

  @Test("documents that are not complete change no link, nor does being left out; the status says so")
  func failStatic() throws {
    var agents = try mesh()
    let before = try agents[2].desiredState(at: now)
    let pushed = try recover(&agents[1]).effects.pushes[0].documents
    for count in 1..<pushed.count {
      let effects = agents[2].receive(Array(pushed.prefix(count)), from: nil, at: now).effects
      #expect(!effects.contains(.reconcile) && effects.journal == [.documentRefused])
      #expect(try agents[2].desiredState(at: now) == before)
      #expect(agents[2].refusedAuthority != nil)
    }
    #expect(agents[2].receive(pushed, from: nil, at: now).receipt.refused == [])
    #expect(agents[2].refusedAuthority == nil)

    // Rome had joined when Lyon was out of reach, so the new authority does not know it.
    var (others, lyon) = (try mesh(), try mesh()[1])
    let rome = try offices.join("rome", ["4XX"], to: &others[0])
    try recover(&lyon)
    var pair = [rome, lyon]
    let links = linked(rome)
    offices.exchange(&pair)
    #expect(linked(pair[0]) == links)
    let status = StatusSnapshot(of: pair[0], in: .init(started: now), at: now)
    #expect(status.agent.problems.contains { $0.contains("new authority") })
  }

  @Test("two that are made at once are a fork; all sites end under the same one, with their links")
  func fork() throws {
    var agents = try mesh()
    try recover(&agents[1], authority: "one")
    try recover(&agents[2], authority: "two")
    for _ in 0..<3 { offices.exchange(&agents) }
    #expect(Set(agents.map(\.directory.authority)).count == 1)
    #expect(agents.filter { $0.keys.authority != nil }.count == 1)
    #expect(agents.map { linked($0).count } == [2, 2, 2])
  }

  @Test("hundreds of revocations do not hinder it and stay in force")
  func manyRevocations() throws {
    var agents = try mesh()
    for number in 0..<200 {
      let entry = Revocations.Entry(
        identity: try FakeSigner("gone \(number)").publicKey, site: try offices.site("gone-\(number)"),
        at: now,
        reason: String(repeating: "é", count: 200))
      let list = try agents[0].directory.nextRevocations(adding: entry).signed(
        by: FakeSigner("authority"), using: offices.cryptography)
      _ = agents[0].receive([list], from: nil, at: now)
    }
    offices.exchange(&agents)
    try recover(&agents[1])
    offices.exchange(&agents)
    for agent in agents {
      #expect(try agent.directory.authority == FakeSigner("new").publicKey)
      #expect(agent.directory.revoked.count == 200)
    }
  }

  @Test("documents do not grow from one authority to the next")
  func manyAuthorities() throws {
    var agents = try mesh()
    var sizes: [Int] = []
    var recovery = "recovery"
    for number in 0..<30 {
      try recover(&agents[number % 3], with: recovery, authority: "authority \(number)")
      recovery = "recovery of authority \(number)"
      offices.exchange(&agents)
      for index in agents.indices { _ = try agents[index].handle(.tick, at: now) }
      offices.exchange(&agents)
      #expect(agents.map { linked($0).count } == [2, 2, 2])
      sizes.append(agents[0].directory.allDocuments().map(\.utf8.count).max() ?? 0)
    }
    #expect(sizes.suffix(10).max() == sizes.prefix(20).max(), "\(sizes)")
  }

  @Test("the last site that may admit others is not removed, and the refusal says what to do first")
  func lastInviter() throws {
    var agents = try mesh()
    let (head, lyon) = (agents[0].mesh.site, agents[1].mesh.site)
    #expect(throws: AgentError.siteIsOurs(head)) { _ = try agents[0].remove(head, reason: "", at: now) }
    // Lyon holds a copy of the key and no role.
    agents[1].keys.otherAuthorities = [try FakeSigner("authority")]
    agents[1].adoptAuthority()
    #expect(throws: AgentError.lastInviter(head)) { _ = try agents[1].remove(head, reason: "", at: now) }
    #expect(AgentError.lastInviter(head).description.contains("pbxlink grant"))
    _ = try agents[1].grant(agents[2].mesh.site, Grant(invite: offices.patterns(["5XX"])), at: now)
    #expect(throws: Never.self) { _ = try agents[1].remove(head, reason: "", at: now) }
    #expect(throws: AgentError.siteIsOurs(lyon)) { _ = try agents[1].remove(lyon, reason: "", at: now) }
  }

  @Test("a member that forwards documents cannot put a site or an authority of its own among them")
  func forgedByMember() throws {
    var agents = try mesh()
    var other = try Offices().head(authority: "mallory", recovery: "recovery").agent
    _ = try offices.join("evil", ["5XX"], to: &other)
    try recover(&other)
    let before = agents[2].directory
    let receipt = agents[2].receive(other.directory.allDocuments(), from: agents[1].mesh.site, at: now)
      .receipt
    #expect(receipt.accepted == 0 && !receipt.refused.isEmpty)
    #expect(agents[2].directory == before)
  }
}
