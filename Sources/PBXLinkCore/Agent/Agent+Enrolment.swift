// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Agent {
  /// Admits the server behind a request and gives the documents for it, the answer first. Asking again for the
  /// same gives them again; its newest request counts.
  public mutating func enrol(
    _ text: String, as site: SiteName, extensions: [ExtensionPattern], roles: [Role], lifetime: Int64,
    at now: Timestamp
  ) throws -> (answer: [String], effects: [Effect]) {
    let authority = try authority(for: "add-site")
    try checkSerialsAreKnown(for: "add-site")
    let request = try EnrolmentRequest.read(text, at: now, using: cryptography)
    let identity = request.identity
    var effects: [Effect] = []
    let membership: String
    if let held = directory.membership(of: identity), !directory.revokedIdentities.contains(identity) {
      let granted = held.content
      guard granted.site == site, granted.extensions.sorted() == extensions.sorted(),
        granted.roles == roles.sorted()
      else { throw EnrolmentError.alreadyAdmitted(granted.site, granted.extensions, granted.roles) }
      membership = held.text
    } else {
      let others = invitations.filter { $0.site != site }
      let addresses = try assignAddresses(to: site, throwAway: 0, besides: others).site
      membership = try admit(
        Admission(site: site, identity: identity, addresses: addresses, extensions: extensions.sorted()),
        as: identity, roles: roles, at: now)
      // The name is given away: an invitation that nobody used has no use any more.
      invitations = others
      let entry = JournalEntry(
        .siteAdmitted, site: site, "admitted by its request with identity \(identity) at \(addresses[0])")
      effects = [.saveDocuments, .journal(entry), .push(Push([membership]))]
    }
    // An older request that is handed in again must not take the place of a newer one.
    let newest = awaited.map(\.request).first { $0.identity == identity && $0.issuedAt > request.issuedAt }
    awaited.removeAll { $0.request.identity == identity }
    if directory.descriptor(of: identity) == nil {
      awaited.append(AwaitedSite(request: newest ?? request, until: now + lifetime))
    }
    let answer = EnrolmentAnswer(
      authority: authority.publicKey, networks: mesh.networks, membership: membership, issuedAt: now)
    return (
      [try answer.signed(by: authority, using: cryptography)] + directory.allDocuments(),
      effects + [.saveInvitations, .reconcile]
    )
  }

  /// A server whose request was answered. The answer is believed for our own identity only.
  /// - Parameter documents: what came with the answer; those that do not verify are left out.
  public static func join(
    _ opened: EnrolmentAnswer.Opened, documents: [String], configuration: Configuration, keys: AgentKeys,
    cryptography: any Cryptography, at now: Timestamp
  ) throws -> (agent: Agent, effects: [Effect]) {
    let (membership, identity) = (opened.membership, keys.identity.publicKey)
    guard membership.identity == identity else {
      throw EnrolmentError.foreignAnswer(
        membership.identity.fingerprint(using: cryptography), ours: identity.fingerprint(using: cryptography))
    }
    guard now < membership.notAfter else {
      throw EnrolmentError.membershipOver(membership.site, membership.notAfter)
    }
    let (agent, effects) = try begin(
      in: opened.mesh, JoinAnswer(membership: opened.answer.membership, documents: documents), from: nil,
      configuration: configuration, keys: keys, documents: [], cryptography: cryptography, at: now)
    guard !agent.isRevoked else { throw EnrolmentError.revoked(membership.site) }
    return (agent, effects)
  }

  /// The awaited sites among members, each with its request for a descriptor.
  func withAwaited(_ sites: [Site], at now: Timestamp) -> [Site] {
    guard !awaited.isEmpty else { return sites }
    return sites.map { site in
      guard site.descriptor == nil,
        let request = awaited.first(where: { $0.request.identity == site.identity && now < $0.until })?
          .request,
        let membership = directory.membership(of: site.identity)
      else { return site }
      return site.standing(on: request, of: membership.text)
    }
  }

  /// Whether what is known of a site is its request alone.
  func isAwaited(_ site: Site) -> Bool { directory.descriptor(of: site.identity) == nil }

  /// Forgets requests whose site has announced itself, is out, or was waited for long enough.
  mutating func closeAwaited(at now: Timestamp) -> [Effect] {
    let over = awaited.filter { awaited in
      let identity = awaited.request.identity
      return awaited.until <= now || directory.descriptor(of: identity) != nil
        || directory.revokedIdentities.contains(identity)
    }
    guard !over.isEmpty else { return [] }
    awaited.removeAll(where: over.contains)
    let late = over.filter { directory.descriptor(of: $0.request.identity) == nil }
    return [.saveInvitations]
      + late.compactMap { awaited in
        guard let site = directory.membership(of: awaited.request.identity)?.content.site else { return nil }
        return .journal(
          JournalEntry(
            .invitationExpired, site: site,
            "admitted by its request and not heard of since: its tunnel key is no longer let in"))
      } + [.reconcile]
  }
}
