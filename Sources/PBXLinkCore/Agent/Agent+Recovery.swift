// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Agent {
  /// What a new authority has come to.
  public struct Recovery: Sendable {
    /// The sites that it has admitted anew: all that were members.
    public let sites: [SiteName]
    /// What is to be done.
    public let effects: [Effect]
  }

  /// Puts a new authority, held here, in the place of one that is lost or stolen: the recovery key names it, and
  /// it signs all memberships and revocations anew, so that the others get everything at once.
  /// - Parameters:
  ///   - authority: the new authority's key; it must be on disk already.
  ///   - next: the new recovery key. The one used is spent.
  public mutating func recover(
    with recovery: any Signer, authority: any Signer, next: PublicKey, at now: Timestamp
  ) throws -> Recovery {
    let chain = directory.chain
    try checkSerialsAreKnown(for: "authority recover")
    try checkRecoveryKey(recovery.publicKey)
    let members = directory.members
    guard members.contains(where: { $0.identity == identity }) else {
      throw AgentError.siteUnknown(mesh.site)
    }
    let former = chain.readable
    let charter = Charter(
      mesh: mesh.identity.name, authority: authority.publicKey, recovery: next, former: former, serial: 1)
    let succession = Succession(
      mesh: mesh.identity.name, serial: UInt64(directory.authorityNumber) + 1, former: directory.authority,
      authority: authority.publicKey, recovery: next, memberships: members.count,
      revoked: directory.revoked.count,
      charter: chain.charters.first { $0.content.recovery == recovery.publicKey }?.text,
      consent: try keys.authority.map { try charter.signed(by: $0, using: cryptography) })
    var agent = self
    func merge(_ document: some Document, by signer: any Signer) throws {
      _ = try agent.directory.merge(document.signed(by: signer, using: cryptography), using: cryptography)
    }
    try merge(succession, by: recovery)
    try merge(charter, by: authority)
    for entry in directory.revoked.values.sorted(by: { $0.identity < $1.identity }) {
      try merge(agent.directory.nextRevocations(adding: entry), by: authority)
    }
    for member in members {
      var next = renewed(member, at: now)
      // Who was an inviter by the former authority's key alone is none any more.
      if member.delegation == nil { next.roles.removeAll { $0 == .inviter } }
      if member.identity == identity { next.roles = Set(next.roles + [.inviter]).sorted() }
      try merge(next, by: authority)
    }
    agent.keys.otherAuthorities.append(authority)
    agent.adoptAuthority()
    let signed = agent.directory.records.filter { $0.kind != .descriptor }.map(\.text)
    let effects = try agent.publish(at: now)
    self = agent
    let entry = JournalEntry(
      .authorityChanged, site: mesh.site,
      "this site holds the new authority \(authority.publicKey), which has admitted \(members.count) sites anew"
    )
    return Recovery(
      sites: members.map(\.site),
      effects: [.saveDocuments, .journal(entry), .reconcile, .push(Push(signed))] + effects)
  }

  /// Names another recovery key, for one that is lost or for a mesh that has none yet. One that was known from
  /// the authority's beginning keeps working: only a new authority ends it (``recover(with:authority:next:at:)``).
  public mutating func nameRecoveryKey(_ key: PublicKey, at now: Timestamp) throws -> [Effect] {
    let authority = try authority(for: "authority recovery-key")
    try checkSerialsAreKnown(for: "authority recovery-key")
    let chain = directory.chain
    let charter = Charter(
      mesh: mesh.identity.name, authority: authority.publicKey, recovery: key,
      former: chain.readable.filter { $0 != authority.publicKey },
      serial: (chain.charters.last?.version.serial ?? 0) + 1)
    return try acceptOwn([charter.signed(by: authority, using: cryptography)], at: now)
  }

  /// Refuses a key that cannot name a new authority.
  public func checkRecoveryKey(_ key: PublicKey) throws(AgentError) {
    let known = directory.chain.recoveryKeys
    guard known.contains(key) else { throw .recoveryKeyWrong(isKnown: !known.isEmpty) }
  }

  /// What is not well between us and the authority, one sentence each.
  var trustProblems: [String] {
    refusedAuthority.map { ["authority: " + AgentError.authorityRefused($0, isComplete: true).description] }
      ?? []
  }

  /// A membership to be signed anew by the authority, otherwise as it is. The start is kept: who was admitted
  /// first wins a conflict.
  func renewed(_ membership: Membership, at now: Timestamp) -> Membership {
    var next = membership
    next.serial = directory.nextMembershipSerial(of: membership.site)
    next.notAfter = now + Self.membershipLifetime
    next.inviter = nil
    return next
  }

  /// Merges what we have signed ourselves.
  mutating func acceptOwn(_ documents: [String], at now: Timestamp) throws -> [Effect] {
    let (receipt, effects) = receive(documents, from: nil, at: now)
    if let reason = receipt.refused.first { throw AgentError.signing(reason) }
    return effects
  }

  /// Of the authority keys that we hold the one that rules the mesh now. A key left by an `init` that failed,
  /// and one that has been succeeded, rules nothing.
  mutating func adoptAuthority() {
    let held = (keys.authority.map { [$0] } ?? []) + keys.otherAuthorities
    keys.authority = held.first { $0.publicKey == directory.authority }
    keys.otherAuthorities = held.filter { $0.publicKey != directory.authority }
  }
}
