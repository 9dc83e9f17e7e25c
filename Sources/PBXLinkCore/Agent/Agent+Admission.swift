// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a new site sends through the throw-away tunnel.
public struct JoinRequest: Hashable, Sendable, Codable {
  /// The invitation's one-time secret.
  public let secret: String
  /// The new site's own identity key.
  public let identity: PublicKey

  /// A request.
  public init(secret: String, identity: PublicKey) {
    self.secret = secret
    self.identity = identity
  }
}

/// What the inviter answers.
public struct JoinAnswer: Hashable, Sendable, Codable {
  /// The new site's membership, signed by the authority or in its place.
  public let membership: String
  /// All documents of the directory.
  public let documents: [String]
}

/// The random parts of an invitation, from outside.
public struct InvitationEntropy: Sendable {
  /// The one-time secret, 16 bytes.
  public let secret: Secret
  /// The throw-away tunnel's private key.
  public let tunnelPrivate: Secret
  /// The throw-away tunnel's public key.
  public let tunnelPublic: PublicKey
  /// The OpenVPN certificate whose Ed25519 key is ``tunnelPrivate``.
  public let certificate: CertificateFingerprint

  /// Random parts.
  public init(
    secret: Secret, tunnelPrivate: Secret, tunnelPublic: PublicKey, certificate: CertificateFingerprint
  ) {
    self.secret = secret
    self.tunnelPrivate = tunnelPrivate
    self.tunnelPublic = tunnelPublic
    self.certificate = certificate
  }
}

extension Agent {
  /// How long a membership is valid: two years.
  static let membershipLifetime: Int64 = 730 * 86_400

  /// Invites a site: keeps a name and addresses for it and opens a throw-away tunnel.
  /// Inviting a site whose invitation is still unused replaces that invitation.
  public mutating func invite(
    _ site: SiteName, extensions: [ExtensionPattern], roles: [Role], invite: [ExtensionPattern] = [],
    lifetime: Int64, entropy: InvitationEntropy, at now: Timestamp
  ) throws -> (pending: PendingInvitation, text: String, effects: [Effect]) {
    let admitter = try admitter(verb: "add-site")
    guard admitter.inviter == nil || (roles.isEmpty && invite.isEmpty) else {
      throw AgentError.notAuthority(verb: "add-site with a role", holders: authorityHolders)
    }
    try checkSerialsAreKnown(for: "add-site")
    guard !configuration.tunnel.endpoints.isEmpty else { throw AgentError.endpointMissing }
    if let earlier = invitations.first(where: { $0.site == site }), earlier.redeemedBy != nil {
      throw AgentError.siteTaken(site)
    }
    let others = invitations.filter { $0.site != site }
    let (addresses, throwAway) = try assignAddresses(
      to: site, throwAway: offersOpenVPN ? 2 : 1, besides: others)
    let tunnelAddress = throwAway[0]
    let openVPN =
      offersOpenVPN ? PendingInvitation.OpenVPN(address: throwAway[1], certificate: entropy.certificate) : nil
    let pending = PendingInvitation(
      site: site, tunnelKey: entropy.tunnelPublic, tunnelAddress: tunnelAddress, openVPN: openVPN,
      addresses: addresses,
      extensions: extensions.sorted(), roles: roles + (invite.isEmpty ? [] : [.inviter]),
      delegation: delegation(of: invite), secretHash: hash(entropy.secret),
      expires: now + lifetime,
      redeemedBy: nil)
    try checkAdmission(pending.admission, besides: others)
    guard let own = membership else { throw AgentError.siteUnknown(mesh.site) }
    let invitation = Invitation(
      mesh: mesh.identity.name, site: site, authority: directory.authority,
      recovery: directory.recoveryKey, signer: admitter.inviter == nil ? nil : identity,
      inviter: .init(
        site: mesh.site, publicKey: keys.tunnel.publicKey, addresses: own.addresses,
        endpoints: configuration.tunnel.endpoints, exchangePort: configuration.exchangePort),
      tunnel: .init(privateKey: entropy.tunnelPrivate, address: tunnelAddress),
      openvpn: openVPN.map {
        .init(
          endpoints: configuration.openVPN.endpoints, fingerprint: keys.certificate, address: $0.address)
      }, networks: mesh.networks,
      secret: entropy.secret, expiresAt: pending.expires)
    let text = try invitation.text(signedBy: admitter.signer, using: cryptography)
    invitations = others + [pending]
    let entry = JournalEntry(.siteInvited, site: site, "invited until \(pending.expires)")
    return (pending, text, [.saveInvitations, .journal(entry), .reconcile])
  }

  /// Redeems an invitation for an identity. Asking again with the same identity gives the same answer.
  public mutating func redeem(
    _ request: JoinRequest, from address: IPAddress, at now: Timestamp
  ) throws -> (answer: JoinAnswer, effects: [Effect]) {
    _ = try admitter(verb: "Admitting a site")
    try checkSerialsAreKnown(for: "Admitting a site")
    guard let index = invitations.firstIndex(where: { $0.throwAwayAddresses.contains(address) }) else {
      throw AgentError.invitationUnknown
    }
    let invitation = invitations[index]
    guard let secret = Base64URL.decode(request.secret), hash(Secret(secret)) == invitation.secretHash else {
      throw AgentError.invitationSecretWrong
    }
    guard invitation.expires > now else {
      throw AgentError.invitationExpired(invitation.site, invitation.expires)
    }
    if let redeemer = invitation.redeemedBy {
      guard redeemer == request.identity, let membership = directory.membership(of: redeemer) else {
        throw AgentError.invitationRedeemed(invitation.site)
      }
      return (JoinAnswer(membership: membership.text, documents: directory.allDocuments()), [])
    }
    let document = try admit(
      invitation.admission(as: request.identity), as: request.identity, roles: invitation.roles,
      delegation: invitation.delegation, at: now)
    invitations[index].redeemedBy = request.identity
    let entry = JournalEntry(
      .siteAdmitted, site: invitation.site,
      "admitted with identity \(request.identity) at \(invitation.addresses[0])")
    return (
      JoinAnswer(membership: document, documents: directory.allDocuments()),
      [.saveDocuments, .saveInvitations, .journal(entry), .push(Push([document]))]
    )
  }

  /// Signs and keeps a membership: the one place where a site is admitted, however it has asked.
  mutating func admit(
    _ admission: Admission, as identity: PublicKey, roles: [Role], delegation: Delegation? = nil,
    at now: Timestamp
  ) throws -> String {
    let admitter = try admitter(verb: "Admitting a site")
    try checkSerialsAreKnown(for: "Admitting a site")
    try checkAdmission(admission, besides: invitations.filter { $0.site != admission.site })
    let membership = Membership(
      mesh: mesh.identity.name, site: admission.site, identity: identity, addresses: admission.addresses,
      extensions: admission.extensions, roles: roles,
      serial: directory.nextMembershipSerial(of: admission.site), notBefore: now,
      notAfter: now + Self.membershipLifetime, delegation: delegation,
      admittedBy: admitter.inviter == nil ? nil : mesh.site, inviter: admitter.inviter?.text)
    let document = try membership.signed(by: admitter.signer, using: cryptography)
    _ = try directory.merge(document, using: cryptography)
    return document
  }

  /// Revokes a site: the authority signs, everyone who hears it cuts the site off. The sites that it has
  /// admitted stay, by the authority's own word from now on, or are revoked with it.
  public mutating func remove(
    _ name: SiteName, withAdmitted: Bool = false, reason: String, at now: Timestamp
  ) throws -> [Effect] {
    let authority = try authority(for: "remove-site")
    guard name != mesh.site else { throw AgentError.siteIsOurs(name) }
    let site = sites(at: now).first { $0.name == name }
    let admitted = directory.admitted(by: name)
    guard !(withAdmitted && admitted.contains { $0.site == mesh.site }) else {
      throw AgentError.siteIsOurs(mesh.site)
    }
    let gone = (site.map { [$0.membership] } ?? []) + (withAdmitted ? admitted : [])
    let inviters = directory.members.filter { $0.roles.contains(.inviter) }
    if gone.contains(where: { $0.roles.contains(.inviter) }),
      inviters.allSatisfy({ inviter in gone.contains { $0.site == inviter.site } })
    {
      throw AgentError.lastInviter(name)
    }
    let invited = invitations.contains { $0.site == name }
    invitations.removeAll { invitation in
      invitation.site == name || gone.contains { $0.site == invitation.site }
    }
    guard site != nil else {
      guard invited else {
        let isRevoked = directory.revoked.values.contains { $0.site == name }
        throw isRevoked ? AgentError.siteRevoked(name) : AgentError.siteUnknown(name)
      }
      let entry = JournalEntry(.siteRevoked, site: name, "invitation withdrawn")
      return [.saveInvitations, .journal(entry), .reconcile]
    }
    // While our serials are in doubt a removal must not wait for what else would be signed.
    var documents = withAdmitted || restoredFrom != nil ? [] : try confirmations(of: admitted, at: now)
    var next = directory
    for member in gone {
      let list = try next.nextRevocations(
        adding: .init(identity: member.identity, site: member.site, at: now, reason: reason)
      ).signed(by: authority, using: cryptography)
      _ = try next.merge(list, using: cryptography)
      documents.append(list)
    }
    return [.saveInvitations] + (try acceptOwn(documents, at: now))
  }

  /// Who signs memberships here: the authority, or we in its place, with our own membership to show for it.
  private func admitter(
    verb: String
  ) throws(AgentError) -> (signer: any Signer, inviter: StoredDocument<Membership>?) {
    if let authority = keys.authority { return (authority, nil) }
    guard let own = directory.membership(of: identity), !isRevoked, own.content.roles.contains(.inviter),
      own.content.delegation != nil
    else { throw .notAuthority(verb: verb, holders: authorityHolders) }
    return (keys.identity, own)
  }

  private func hash(_ secret: Secret) -> String { Base64URL.encode(cryptography.sha256(secret.exposedBytes)) }

  private func checkAdmission(
    _ admission: Admission, besides others: [PendingInvitation]
  ) throws(AdmissionError) {
    var admission = admission
    admission.admittedBy = keys.authority == nil ? mesh.site : nil
    if let error = directory.admissionError(
      for: admission, besides: others.map(\.admission),
      emergencyNumbers: configuration.numbers.emergency)
    {
      throw error
    }
  }

  func assignAddresses(
    to site: SiteName, throwAway count: Int, besides others: [PendingInvitation]
  ) throws(AgentError) -> (site: [IPAddress], throwAway: [IPAddress]) {
    var taken = Set(directory.members.filter { $0.site != site }.flatMap(\.addresses))
    for other in others { taken.formUnion(other.addresses + other.throwAwayAddresses) }
    var addresses: [IPAddress] = []
    for network in mesh.networks {
      guard
        let address = TunnelAddressing.address(
          for: site, in: network, taken: taken, hash: cryptography.sha256)
      else { throw .addressesExhausted(network) }
      taken.insert(address)
      addresses.append(address)
    }
    var throwAway: [IPAddress] = []
    while throwAway.count < count {
      guard let network = mesh.network(.v4),
        let address = TunnelAddressing.throwAwayAddress(
          for: site, in: network, taken: taken.union(throwAway), hash: cryptography.sha256)
      else { throw .addressesExhausted(mesh.networks[0]) }
      throwAway.append(address)
    }
    return (addresses, throwAway)
  }
}

extension PendingInvitation {
  /// What it promises.
  var admission: Admission { admission(as: redeemedBy) }

  fileprivate func admission(as identity: PublicKey?) -> Admission {
    Admission(
      site: site, identity: identity, addresses: addresses, extensions: extensions,
      delegated: delegation?.extensions ?? [])
  }
}
