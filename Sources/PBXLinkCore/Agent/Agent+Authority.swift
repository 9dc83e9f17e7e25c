// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Agent {
  /// Takes the authority key in: this site can then admit and revoke, and says so by the role `inviter`.
  /// Throws for another mesh's key.
  public mutating func take(authority: any Signer, at now: Timestamp) throws -> [Effect] {
    guard authority.publicKey == directory.authority else {
      throw AgentError.authorityForeign(found: authority.publicKey, authority: directory.authority)
    }
    guard !isRevoked else { throw AgentError.siteRevoked(mesh.site) }
    try checkSerialsAreKnown(for: "authority import")
    keys.authority = authority
    let entry = JournalEntry(.authorityTaken, site: mesh.site, "the authority key is held here now")
    return [.journal(entry)] + (try reissueOwnMembership(at: now)) + (try publish(at: now))
  }

  /// Gives the authority key up, and with it the role `inviter`. Throws while an invitation needs the key.
  public mutating func giveUpAuthority(at now: Timestamp) throws -> [Effect] {
    guard keys.authority != nil else {
      throw AgentError.notAuthority(verb: "authority export --remove", holders: authorityHolders)
    }
    if let open = invitations.first { throw AgentError.authorityNeeded(by: open.site, until: open.expires) }
    try checkSerialsAreKnown(for: "authority export --remove")
    let renewed = try signOwnMembership(without: .inviter, at: now)
    keys.authority = nil
    let entry = JournalEntry(.authorityGivenUp, site: mesh.site, "the authority key is no longer held here")
    return [.journal(entry)] + renewed + (try publish(at: now))
  }

  /// The other sites that say they hold the authority key: inviters without a delegation.
  public var authorityHolders: [SiteName] {
    directory.members.filter {
      $0.identity != identity && $0.roles.contains(.inviter) && $0.delegation == nil
    }.map(\.site)
  }

  /// Whether this site holds the authority key.
  public var holdsAuthority: Bool { keys.authority != nil }

  /// The authority key; throws with where it is when it is not here.
  func authority(for verb: String) throws(AgentError) -> any Signer {
    guard let authority = keys.authority else { throw .notAuthority(verb: verb, holders: authorityHolders) }
    return authority
  }

  /// A delegation that the site had before it got the key stays.
  private mutating func signOwnMembership(without role: Role, at now: Timestamp) throws -> [Effect] {
    let authority = try authority(for: "authority export --remove")
    guard var renewed = membership, renewed.roles.contains(role), renewed.delegation == nil else { return [] }
    renewed.roles.removeAll { $0 == role }
    renewed.serial = directory.nextMembershipSerial(of: mesh.site)
    renewed.notAfter = now + Self.membershipLifetime
    let document = try renewed.signed(by: authority, using: cryptography)
    _ = try directory.merge(document, using: cryptography)
    return [.saveDocuments, .push(Push([document]))]
  }
}
