// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Documents from others")
struct ReceiptTests {
  let offices = Offices()
  let now = Offices.now

  /// Head, and Lyon whom it is linked to.
  private func pair() throws -> (head: Agent, lyon: Agent) {
    var head = try offices.head().agent
    let lyon = try offices.join("lyon", ["2XX"], to: &head)
    return (head, lyon)
  }

  /// Documents that nobody may believe, by what is wrong with them.
  private func badDocuments(head: Agent, lyon: Agent) throws -> [(String, String)] {
    let own = try #require(lyon.directory.descriptor(of: lyon.identity)).text
    let foreign = try SampleMesh(authority: "mallory")
    let sister = try SampleMesh(name: "other")
    let stolen = try #require(head.directory.descriptor(of: head.identity)).content
    return [
      ("empty", ""), ("not JSON", "hello"),
      ("over 16 KiB", own + String(repeating: "A", count: JWS.sizeLimit)),
      ("cut", String(own.dropLast(10))),
      ("altered", own.replacing(".", with: ".A", maxReplacements: 1)),
      ("another authority", try foreign.sign(foreign.membership("lyon", number: 8))),
      ("another authority's list", try foreign.sign(foreign.revocations(["head"], serial: 99))),
      ("another mesh", try sister.sign(sister.membership("lyon", number: 8))),
      ("another's identity", try stolen.signed(by: FakeSigner("lyon"), using: offices.cryptography)),
      ("its own membership", try foreign.sign(foreign.membership("lyon", number: 8), by: "lyon")),
      (
        "more extensions than granted",
        try offices.descriptor(of: lyon) { $0.extensions = try offices.patterns(["2XX", "6XX"]) }
      ),
      (
        "another's address",
        try offices.descriptor(of: lyon) { $0.addresses = head.ownSite(at: now)?.membership.addresses }
      ),
      ("too many endpoints", try oversized(lyon)),
      ("an invitation", try foreign.sign(foreign.invitation())),
    ]
  }

  private func oversized(_ lyon: Agent) throws -> String {
    var descriptor = try #require(lyon.directory.descriptor(of: lyon.identity)).content
    descriptor.serial += 1
    descriptor.wireguard.endpoints = try (1...17).map { try #require(Endpoint("203.0.113.\($0):51820")) }
    return try JWS.sign(
      payload: descriptor.payload(), kind: .descriptor, by: lyon.keys.identity, using: offices.cryptography)
  }

  @Test("a document that nobody may believe changes nothing but the journal")
  func refusals() throws {
    var (head, lyon) = try pair()
    let before = (head.directory, try head.desiredState(at: now))
    for (fault, document) in try badDocuments(head: head, lyon: lyon) {
      let (receipt, effects) = head.receive([document], from: lyon.mesh.site, at: now)
      #expect(receipt.accepted == 0, "\(fault)")
      #expect(receipt.refused.count == 1, "\(fault)")
      #expect(effects.count == 1 && effects.journal == [.documentRefused], "\(fault)")
    }
    #expect((head.directory, try head.desiredState(at: now)) == before)
  }

  @Test("a bad document does not spoil the good ones beside it")
  func mixed() throws {
    var (head, lyon) = try pair()
    let good = try offices.descriptor(of: lyon) { $0.trunk.callLimit = 2 }
    let bad = try badDocuments(head: head, lyon: lyon).map(\.1)
    let (receipt, effects) = head.receive(bad + [good] + bad, from: lyon.mesh.site, at: now)
    #expect(receipt.accepted == 1)
    #expect(receipt.refused.count == min(bad.count * 2, 20))
    #expect(effects.journal.filter { $0 == .documentRefused }.count == 1)
    #expect(effects.first == .saveDocuments)
    #expect(effects.pushes.map(\.documents) == [[good]])
    #expect(effects.pushes.map(\.except) == [lyon.mesh.site])
    #expect(try head.desiredState(at: now).trunk.peers[0].callLimit == 2)
  }

  @Test("a flood of bad documents leaves one entry in the journal")
  func flood() throws {
    var (head, lyon) = try pair()
    let flood = Array(repeating: "", count: Agent.documentLimit + 1)
    let (receipt, effects) = head.receive(flood, from: lyon.mesh.site, at: now)
    #expect(receipt.refused.count == 21)
    #expect(receipt.refused.last?.contains("not looked at") == true)
    #expect(head.counters.refused + head.counters.limited == Agent.documentLimit + 1)
    #expect(head.counters.refused <= ExchangeLimits.idleDocuments.burst)
    #expect(effects.count == 1 && effects.journal == [.documentRefused])
  }

  @Test("older and known documents change nothing and are not passed on")
  func rollback() throws {
    var (head, lyon) = try pair()
    let old = head.directory.allDocuments()
    let newer = try offices.descriptor(of: lyon) { $0.trunk.callLimit = 2 }
    _ = head.receive([newer], from: lyon.mesh.site, at: now)
    let held = head.directory
    #expect(head.receive(old + [newer], from: lyon.mesh.site, at: now).effects == [])
    #expect(head.directory == held)
  }

  @Test("both sides of a fork are told, and the side that is not kept goes no further")
  func forks() throws {
    let (head, lyon) = try pair()
    let sides = try [2, 3].map { limit in try offices.descriptor(of: lyon) { $0.trunk.callLimit = limit } }
    var pushed: [[String]] = []
    for order in [sides, sides.reversed()] {
      var agent = head
      _ = agent.receive([order[0]], from: lyon.mesh.site, at: now)
      let effects = agent.receive([order[1]], from: lyon.mesh.site, at: now).effects
      #expect(effects.journal.first == .siteForked)
      pushed.append(effects.pushes.flatMap(\.documents))
      #expect(agent.receive(order, from: lyon.mesh.site, at: now).effects == [], "a pair is told once")
      #expect(agent.counters.forks == 1)
    }
    #expect(pushed.map(\.count).sorted() == [0, 1], "the winner of a fork is the same in any order")
  }

  @Test("what one site announces of its keys does not stop another site's link")
  func lies() throws {
    var head = try offices.head().agent
    let lyon = try offices.join("lyon", ["2XX"], to: &head)
    let mallory = try offices.join("mallory", ["7XX"], to: &head)
    let (invitation, pending, _) = try offices.invite("oslo", ["3XX"], to: &head)
    let zero = try #require(PublicKey(bytes: Array(repeating: 0, count: 32)))
    let lies: [(inout Descriptor) -> Void] = [
      { $0.wireguard.publicKey = head.keys.tunnel.publicKey }, { $0.wireguard.publicKey = pending.tunnelKey },
      { $0.trunk.keys = [.init(generation: 1, publicKey: zero)] }, { $0.trunk.codecs = ["none"] },
    ]
    for lie in lies {
      var victim = head
      _ = victim.receive([try offices.descriptor(of: mallory, edit: lie)], from: mallory.mesh.site, at: now)
      let desired = try victim.desiredState(at: now)
      #expect(desired.tunnel.peers.contains { $0.publicKey == lyon.keys.tunnel.publicKey })
      #expect(desired.trunk.peers.contains { $0.site == lyon.mesh.site })
      #expect(throws: Never.self) { _ = try offices.redeem(invitation, as: "oslo", at: &victim) }
    }
    var victim = head
    _ = victim.receive([try offices.descriptor(of: mallory, edit: lies[2])], from: nil, at: now)
    #expect(
      try victim.desiredState(at: now).problems
        == ["no trunk to 'mallory': its trunk key cannot be used (SmallOrder())"])
  }

  @Test("an older member that announces our own tunnel key gets no link from us, and stops none of ours")
  func ownKeyAnnounced() throws {
    var head = try offices.head().agent
    let mallory = try offices.join("mallory", ["7XX"], to: &head, at: now + 60)
    var lyon = try offices.join("lyon", ["2XX"], to: &head, at: now + 120)
    let lie = try offices.descriptor(of: mallory) { $0.wireguard.publicKey = lyon.keys.tunnel.publicKey }
    #expect(lyon.receive([lie], from: head.mesh.site, at: now + 180).receipt.accepted == 1)
    let desired = try lyon.desiredState(at: now + 180)
    #expect(desired.tunnel.peers.map(\.publicKey) == [head.keys.tunnel.publicKey])
    #expect(desired.trunk.peers.map(\.site) == [head.mesh.site])
  }

  @Test("of two members that an authority put back in time gave the same numbers, only the first is linked")
  func conflict() throws {
    var head = try offices.head().agent
    var restored = head
    let lyon = try offices.join("lyon", ["2XX"], to: &head, at: now + 60)
    let oslo = try offices.join("oslo", ["20X"], to: &restored, at: now + 120)
    _ = head.receive(oslo.directory.allDocuments(), from: nil, at: now + 180)
    #expect(head.sites(at: now + 180).count == 3)
    let desired = try head.desiredState(at: now + 180)
    #expect(desired.trunk.peers.map(\.site) == [lyon.mesh.site])
    #expect(!desired.tunnel.peers.contains { $0.publicKey == oslo.keys.tunnel.publicKey })
    #expect(desired.firewall.members == lyon.membership?.addresses.sorted())
  }

  @Test("effects are in order: what is passed on or applied was saved before")
  func order() throws {
    var (head, lyon) = try pair()
    let (invited, invitation) = try { () in
      let (invitation, _, effects) = try offices.invite("oslo", ["3XX"], to: &head)
      return (effects, invitation)
    }()
    var steps = [try offices.head().effects, invited]
    steps.append(try offices.redeem(invitation, as: "oslo", at: &head).effects)
    steps.append(
      head.receive([try offices.descriptor(of: lyon) { $0.trunk.callLimit = 1 }], from: nil, at: now).effects)
    var configuration = head.configuration
    configuration.numbers.extensions = try offices.patterns(["6XX", "80X"])
    steps.append(try head.handle(.configuration(configuration), at: now))
    steps.append(try head.handle(.tick, at: now + 20 * 86_400))
    steps.append(try head.remove(lyon.mesh.site, reason: "", at: now))
    for (number, effects) in steps.enumerated() {
      #expect(!effects.isEmpty)
      var saved = false
      for effect in effects {
        switch effect {
        case .saveDocuments, .saveInvitations, .saveKeyGenerations: saved = true
        case .reconcile, .hangUp, .push, .sendReceipts, .rotateKeys, .removeOldKeys, .askForDirect,
          .askForRelay:
          #expect(saved, "step \(number): \(effect) before anything was saved")
        case .journal: break
        }
      }
    }
  }
}
