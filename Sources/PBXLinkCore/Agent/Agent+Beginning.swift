// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Agent {
  /// The first site of a new mesh: it holds the authority key and admits itself.
  /// - Parameters:
  ///   - recovery: the key that can name another authority; nil for none.
  ///   - localPrefixes: networks this host is in already; the mesh must not overlap them.
  public static func found(
    mesh name: MeshName, site: SiteName, recovery: PublicKey? = nil, network: IPPrefix,
    localPrefixes: [IPPrefix],
    configuration: Configuration, keys: AgentKeys, cryptography: any Cryptography, at now: Timestamp
  ) throws -> (agent: Agent, effects: [Effect]) {
    guard let authority = keys.authority else { throw AgentError.notAuthority(verb: "init") }
    guard network.family == .v4, (8...28).contains(network.length) else {
      throw AgentError.networkUnsuitable(network, reason: "it must be an IPv4 prefix from /8 to /28")
    }
    if let clash = localPrefixes.first(where: network.overlaps) {
      throw AgentError.networkUnsuitable(network, reason: "this host is in \(clash), which it overlaps")
    }
    let ula = TunnelAddressing.uniqueLocalNetwork(of: authority.publicKey, hash: cryptography.sha256)
    let mesh = Mesh(
      identity: MeshIdentity(name: name, authority: authority.publicKey, recovery: recovery),
      networks: [network] + (ula.map { [$0] } ?? []), site: site)
    var agent = try Agent(
      mesh: mesh, configuration: configuration, keys: keys, documents: [], invitations: [],
      cryptography: cryptography)
    let charter = try recovery.map { try agent.nameRecoveryKey($0, at: now) } ?? []
    let effects = try charter + agent.reissueOwnMembership(at: now) + agent.publish(at: now)
    let entry = JournalEntry(.meshCreated, site: site, "mesh '\(name)' created, network \(network)")
    return (agent, [.journal(entry)] + effects + [.reconcile])
  }

  /// A site that has redeemed an invitation. The answer is believed only as far as the authority of the
  /// invitation has signed it, and only for our identity and the invited name.
  /// - Parameter documents: what is known already when a join that was cut off is run again.
  public static func join(
    _ invitation: Invitation, answer: JoinAnswer, configuration: Configuration, keys: AgentKeys,
    keyGenerations: KeyGenerations = KeyGenerations(), documents: [String] = [],
    cryptography: any Cryptography, at now: Timestamp
  ) throws -> (agent: Agent, effects: [Effect]) {
    try begin(
      in: Mesh(identity: invitation.meshIdentity, networks: invitation.networks, site: invitation.site),
      answer, from: invitation.inviter.site, configuration: configuration, keys: keys,
      keyGenerations: keyGenerations, documents: documents, cryptography: cryptography, at: now)
  }

  /// A member's first steps, however it was admitted.
  static func begin(
    in mesh: Mesh, _ answer: JoinAnswer, from sender: SiteName?, configuration: Configuration,
    keys: AgentKeys, keyGenerations: KeyGenerations = KeyGenerations(), documents: [String],
    cryptography: any Cryptography, at now: Timestamp
  ) throws -> (agent: Agent, effects: [Effect]) {
    var agent = try Agent(
      mesh: mesh, configuration: configuration, keys: keys, documents: documents + [answer.membership],
      keyGenerations: keyGenerations, invitations: [], cryptography: cryptography)
    guard agent.membership?.site == mesh.site else {
      throw AgentError.membershipForeign(
        reason: "the membership is not for this server's key and '\(mesh.site)'")
    }
    let entry = JournalEntry(.meshJoined, site: mesh.site, "joined mesh '\(mesh.identity.name)'")
    try agent.checkExtensions()
    let received = agent.receive(answer.documents, from: sender, at: now).effects
    let published = try agent.publish(at: now)
    return (agent, [.journal(entry), .saveDocuments] + received + published + [.reconcile])
  }

  /// Where the authority key is, our own membership follows the site file, if that lists extensions: new ones
  /// are granted to ourselves if no other site has them. And it says that we can invite.
  mutating func reissueOwnMembership(at now: Timestamp) throws -> [Effect] {
    guard let authority = keys.authority else { return [] }
    let current = membership
    let listed = configuration.numbers.extensions.sorted()
    let extensions = listed.isEmpty ? current?.extensions ?? [] : listed
    let roles = Set(current?.roles ?? []).union([.inviter]).sorted()
    let isSilent = restoredFrom != nil
    if let current, current.extensions == extensions, isSilent || current.roles == roles { return [] }
    try checkSerialsAreKnown(for: "A change of 'numbers: extensions:'")
    let addresses =
      current?.addresses
      ?? mesh.networks.compactMap {
        TunnelAddressing.address(for: mesh.site, in: $0, taken: [], hash: cryptography.sha256)
      }
    if let error = directory.admissionError(
      for: Admission(site: mesh.site, identity: identity, addresses: addresses, extensions: extensions),
      besides: invitations.map(\.admission), emergencyNumbers: configuration.numbers.emergency)
    {
      throw error
    }
    // The start is kept: who was admitted first wins a conflict.
    let membership = Membership(
      mesh: mesh.identity.name, site: mesh.site, identity: identity, addresses: addresses,
      extensions: extensions,
      roles: roles, serial: directory.nextMembershipSerial(of: mesh.site),
      notBefore: current?.notBefore ?? now,
      notAfter: now + Self.membershipLifetime, delegation: current?.delegation)
    let document = try membership.signed(by: authority, using: cryptography)
    _ = try directory.merge(document, using: cryptography)
    return [.saveDocuments, .push(Push([document]))]
  }
}
