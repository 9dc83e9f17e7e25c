// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Enrolment by files")
struct EnrolmentTests {
  let offices = Offices()
  let now = Offices.now

  private func request(
    of name: String = "lyon", endpoints: [String] = ["198.51.100.20:51820"], at now: Timestamp = Offices.now,
    edit: (inout EnrolmentRequest) throws -> Void = { _ in }
  ) throws -> String {
    var request = EnrolmentRequest(
      try offices.configuration(endpoints: endpoints), try .fake(name), wishing: nil, at: now)
    try edit(&request)
    return try request.signed(by: FakeSigner(name), using: offices.cryptography)
  }

  private func enrol(
    _ request: String, as name: String = "lyon", _ extensions: [String] = ["2XX"], at head: inout Agent,
    now: Timestamp = Offices.now
  ) throws -> (answer: [String], effects: [Effect]) {
    try head.enrol(
      request, as: offices.site(name), extensions: offices.patterns(extensions), roles: [],
      lifetime: EnrolmentRequest.lifetime, at: now)
  }

  private func join(
    _ answer: [String], as name: String = "lyon", at now: Timestamp = Offices.now
  ) throws -> Agent {
    try Agent.join(
      EnrolmentAnswer.open(#require(answer.first), using: offices.cryptography),
      documents: Array(answer.dropFirst()),
      configuration: offices.configuration(endpoints: ["198.51.100.20:51820"]), keys: .fake(name),
      cryptography: offices.cryptography, at: now
    ).agent
  }

  @Test(
    "a request admits its server, and lets its tunnel in before its descriptor comes; a trunk comes with that"
  )
  func admission() throws {
    var agents = [try offices.head().agent]
    let (answer, effects) = try enrol(request(), at: &agents[0])
    #expect(effects.journal == [.siteAdmitted])
    #expect(effects.first == .saveDocuments)
    #expect(effects.contains(.saveInvitations) && effects.last == .reconcile)
    agents.append(try join(answer))
    let lyon = agents[1]
    let addresses = try #require(lyon.membership?.addresses)
    let before = try agents[0].desiredState(at: now)
    let peer = try #require(before.tunnel.peers.first { $0.publicKey == lyon.keys.tunnel.publicKey })
    #expect(peer.allowedIPs == Set(addresses.map(IPPrefix.init(host:))))
    #expect(peer.endpoint?.description == "198.51.100.20:51820")
    #expect(before.firewall.members == addresses.sorted())
    #expect(before.trunk.peers == [])
    #expect(agents[0].site(at: addresses[0], now: now)?.name == lyon.mesh.site, "its exchange is heard")
    #expect(agents[0].sites(at: now).first { $0.name == lyon.mesh.site }?.descriptor == nil)
    // The new site knows the authority's site at once, without having asked anybody.
    #expect(try lyon.desiredState(at: now).tunnel.peers.map(\.publicKey) == [agents[0].keys.tunnel.publicKey])
    #expect(lyon.mesh.networks == agents[0].mesh.networks)
    offices.exchange(&agents)
    let after = try agents[0].desiredState(at: now)
    #expect(after.tunnel.peers == before.tunnel.peers)
    #expect(after.trunk.peers.map(\.site) == [lyon.mesh.site])
    #expect(try agents[0].handle(.tick, at: now) == [.saveInvitations, .reconcile])
    #expect(agents[0].awaited == [])
    #expect(try lyon.desiredState(at: now).trunk.peers.map(\.site) == [agents[0].mesh.site])
  }

  @Test("a descriptor that is carried over by hand does the same")
  func byHand() throws {
    var head = try offices.head().agent
    let lyon = try join(try enrol(request(), at: &head).answer)
    let descriptor = try #require(lyon.directory.descriptor(of: lyon.identity)).text
    #expect(head.receive([descriptor], from: nil, at: now).receipt.accepted == 1)
    #expect(try head.desiredState(at: now).trunk.peers.map(\.site) == [lyon.mesh.site])
  }

  @Test("a site that is not heard of is waited for as long as was said, also after a restart")
  func bounded() throws {
    var head = try offices.head().agent
    _ = try enrol(request(), at: &head)
    let end = now + EnrolmentRequest.lifetime
    head = try Agent(
      mesh: head.mesh, configuration: head.configuration, keys: head.keys,
      documents: head.directory.allDocuments(), invitations: [], awaited: head.awaited,
      cryptography: offices.cryptography)
    #expect(try head.desiredState(at: end + -1).tunnel.peers.count == 1)
    #expect(try head.desiredState(at: end).tunnel.peers == [])
    let effects = try head.handle(.tick, at: end)
    #expect(effects.journal == [.invitationExpired] && head.awaited == [])
    #expect(effects.contains(.reconcile))
  }

  @Test("asking again gives the same membership, with the newest way to reach the site")
  func again() throws {
    var head = try offices.head().agent
    let first = try enrol(request(), at: &head)
    let documents = head.directory
    let newer = try request(endpoints: ["198.51.100.21:51820"], at: now + 60)
    let second = try enrol(newer, at: &head)
    _ = try enrol(request(), at: &head)
    #expect(second.answer == first.answer && head.directory == documents)
    #expect(second.effects.journal == [])
    let peer = try #require(try head.desiredState(at: now).tunnel.peers.first)
    #expect(peer.endpoint?.description == "198.51.100.21:51820")
    #expect(head.awaited.count == 1)
    for (name, extensions) in [("nice", ["2XX"]), ("lyon", ["3XX"])] {
      #expect(throws: EnrolmentError.self) { try enrol(request(), as: name, extensions, at: &head) }
    }
    #expect(head.directory == documents)
  }

  @Test("what may not be admitted is refused and changes nothing")
  func refusals() throws {
    var head = try offices.head().agent
    _ = try offices.join("oslo", ["3XX"], to: &head)
    let state = (head.directory, head.invitations, head.awaited)
    let good = try request()
    let middle = good.index(good.startIndex, offsetBy: good.count / 2)
    var altered = good
    altered.replaceSubrange(middle...middle, with: good[middle] == "A" ? "B" : "A")
    let foreign = try request { $0.identity = try FakeSigner("nice").publicKey }
    let descriptor = try #require(head.directory.descriptor(of: head.identity)).text
    let huge = "eyJ" + String(repeating: "A", count: JWS.sizeLimit)
    for text in [altered, foreign, descriptor, huge, "", String(good.dropLast(5))] {
      #expect(throws: DocumentError.self) { try enrol(text, at: &head) }
    }
    #expect(throws: EnrolmentError.self) {
      try enrol(good, at: &head, now: now + EnrolmentRequest.lifetime)
    }
    for (name, extensions) in [
      ("oslo", ["2XX"]), ("head", ["2XX"]), ("lyon", ["3[0-4]X"]), ("lyon", ["112"]),
    ] {
      #expect(throws: (any Error).self) { try enrol(good, as: name, extensions, at: &head) }
    }
    #expect((head.directory, head.invitations, head.awaited) == state)
    var lyon = try join(try enrol(good, at: &head).answer)
    #expect(throws: AgentError.notAuthority(verb: "add-site", holders: lyon.authorityHolders)) {
      try enrol(request(of: "nice"), as: "nice", at: &lyon)
    }
    #expect(throws: DocumentError.self) { try request { $0.trunk.callLimit = 0 } }
  }

  @Test("a revoked server's old request admits nobody, and ends its waiting")
  func revoked() throws {
    var head = try offices.head().agent
    let text = try request()
    let answer = try enrol(text, at: &head).answer
    let effects = try head.remove(offices.site("lyon"), reason: "mistake", at: now)
    #expect(try head.desiredState(at: now).tunnel.peers == [])
    #expect(throws: AdmissionError.self) { try enrol(text, at: &head) }
    _ = try head.handle(.tick, at: now)
    #expect(head.awaited == [])
    #expect(throws: EnrolmentError.revoked(try offices.site("lyon"))) {
      try join(answer + effects.pushes.flatMap(\.documents))
    }
  }

  @Test("an invitation that nobody used gives way to a request for the same name; a used one does not")
  func invited() throws {
    var head = try offices.head().agent
    let invitation = try offices.invite("lyon", ["2XX"], to: &head).invitation
    _ = try enrol(request(), at: &head)
    #expect(head.invitations == [])
    #expect(throws: AgentError.invitationUnknown) {
      try offices.redeem(invitation, as: "mallory", at: &head)
    }
    let other = try offices.invite("nice", ["4XX"], to: &head).invitation
    _ = try offices.redeem(other, as: "nice", at: &head)
    #expect(throws: AdmissionError.self) { try enrol(request(of: "rome"), as: "nice", ["4XX"], at: &head) }
  }

  @Test("an answer is good for the server that asked, while the membership is")
  func answers() throws {
    var head = try offices.head().agent
    let answer = try enrol(request(), at: &head).answer
    #expect(throws: EnrolmentError.self) { try join(answer, as: "mallory") }
    let late = now + Agent.membershipLifetime
    #expect(throws: EnrolmentError.membershipOver(try offices.site("lyon"), late)) {
      try join(answer, at: late)
    }
    let (good, other) = (try #require(answer.first), answer[1])
    #expect(throws: DocumentError.self) { try join([other]) }
    #expect(throws: DocumentError.self) { try join([String(good.dropLast(3)) + "AAA"]) }
    let forged = try EnrolmentAnswer(
      authority: FakeSigner("mallory").publicKey, networks: head.mesh.networks,
      membership: EnrolmentAnswer.open(good, using: offices.cryptography).answer.membership, issuedAt: now
    ).signed(by: FakeSigner("mallory"), using: offices.cryptography)
    #expect(throws: DocumentError.self) { try join([forged]) }
    #expect(throws: Never.self) { try join([good]) }
  }

  @Test("a directory takes neither requests nor answers")
  func directory() throws {
    var head = try offices.head().agent
    let text = try request()
    let answer = try enrol(text, at: &head).answer[0]
    let before = head.directory
    #expect(head.receive([text, answer], from: nil, at: now).receipt.refused.count == 2)
    #expect(head.directory == before)
  }

  @Test("a fingerprint is the beginning of the key's thumbprint; case, blanks and hyphens do not count")
  func fingerprints() throws {
    let key = try FakeSigner("lyon").publicKey
    let text = key.fingerprint(using: offices.cryptography)
    #expect(text.wholeMatch(of: /([0-9a-f]{4}-){4}[0-9a-f]{4}/) != nil)
    let spoken = text.uppercased().split(separator: "-").joined(separator: " ")
    #expect(key.hasFingerprint(spoken, using: offices.cryptography))
    #expect(!key.hasFingerprint(String(text.dropLast()), using: offices.cryptography))
    #expect(!key.hasFingerprint("", using: offices.cryptography))
    #expect(try !FakeSigner("nice").publicKey.hasFingerprint(text, using: offices.cryptography))
  }
}
