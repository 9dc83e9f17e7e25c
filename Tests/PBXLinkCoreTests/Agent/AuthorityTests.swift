// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Moving the authority key")
struct AuthorityTests {
  let offices = Offices()
  let now = Offices.now

  private func roles(_ agent: Agent) -> [Role] { agent.membership?.roles ?? [] }

  @Test("where it is taken in, sites are admitted and removed, and the membership says so")
  func moved() throws {
    var head = try offices.head().agent
    var lyon = try offices.join(
      "lyon", ["2XX"], to: &head,
      configuration: offices.configuration(endpoints: ["198.51.100.7:51820"]))
    _ = try head.handle(.heard(lyon.mesh.site), at: now)
    let granted = try #require(lyon.membership)
    let authority = try #require(head.keys.authority)
    let taken = try lyon.take(authority: authority, at: now + 10)
    #expect(taken.journal == [.authorityTaken])
    #expect(roles(lyon) == [.inviter])
    #expect(
      lyon.membership?.extensions == granted.extensions, "what the site file does not list stays granted")
    #expect(lyon.membership?.notBefore == granted.notBefore, "first come stays first")
    _ = head.receive(taken.pushes.flatMap(\.documents), from: lyon.mesh.site, at: now + 10)

    let left = try head.giveUpAuthority(at: now + 20)
    #expect(roles(head).isEmpty)
    let heard = lyon.receive(left.pushes.flatMap(\.documents), from: head.mesh.site, at: now + 20)
    #expect(heard.receipt.refused.isEmpty && !heard.effects.journal.contains(.siteForked))
    #expect(throws: AgentError.notAuthority(verb: "add-site", holders: [lyon.mesh.site])) {
      try offices.invite("nice", ["3XX"], to: &head)
    }
    let nice = try offices.join("nice", ["3XX"], to: &lyon, at: now + 30)
    let removed = try lyon.remove(nice.mesh.site, reason: "", at: now + 40)
    _ = head.receive(removed.pushes.flatMap(\.documents), from: lyon.mesh.site, at: now + 40)
    #expect(head.directory.revokedIdentities == [nice.identity])
    #expect(head.linkedSites(at: now + 40).map(\.name) == [lyon.mesh.site])
  }

  @Test("another mesh's key is refused, and a revoked site takes none")
  func foreign() throws {
    var head = try offices.head().agent
    var lyon = try offices.join("lyon", ["2XX"], to: &head)
    let foreign = try FakeSigner("another")
    #expect(
      throws: AgentError.authorityForeign(found: foreign.publicKey, authority: head.directory.authority)
    ) {
      try lyon.take(authority: foreign, at: now)
    }
    #expect(!lyon.holdsAuthority)
    let removed = try head.remove(lyon.mesh.site, reason: "", at: now)
    _ = lyon.receive(removed.pushes.flatMap(\.documents), from: head.mesh.site, at: now)
    let authority = try #require(head.keys.authority)
    #expect(throws: AgentError.siteRevoked(lyon.mesh.site)) { try lyon.take(authority: authority, at: now) }
  }

  @Test("it stays while an invitation needs it, and while a restored site may be behind")
  func needed() throws {
    var head = try offices.head().agent
    let (invitation, pending, _) = try offices.invite("lyon", ["2XX"], to: &head)
    #expect(throws: AgentError.authorityNeeded(by: invitation.site, until: pending.expires)) {
      try head.giveUpAuthority(at: now)
    }
    _ = try head.handle(.tick, at: pending.expires + 1)
    head.restoredFrom = now
    #expect(throws: AgentError.self) { try head.giveUpAuthority(at: now) }
    #expect(head.holdsAuthority)
    head.restoredFrom = nil
    _ = try head.giveUpAuthority(at: now)
    #expect(!head.holdsAuthority)
    let text = "\(AgentError.notAuthority(verb: "add-site", holders: head.authorityHolders))"
    #expect(text.contains("authority import"))
  }
}
