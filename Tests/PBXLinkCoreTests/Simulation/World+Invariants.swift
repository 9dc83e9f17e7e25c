// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

@testable import PBXLinkCore

extension World {
  /// What must be true of a site after every step, by the documents that it holds and by nothing that the agent
  /// concludes from them.
  mutating func check(_ site: SiteName) throws {
    guard let office = offices[site], let agent = office.agent else { return }
    let desired = try agent.desiredState(at: now)
    var members: [PublicKey: (membership: Membership, tunnelKey: PublicKey)] = [:]
    for stored in agent.directory.memberships.values {
      let membership = try verify(stored.text, in: agent.mesh.identity)
      guard !office.revoked.contains(membership.identity), membership.identity != agent.identity,
        let descriptor = agent.directory.descriptors[membership.identity]
      else { continue }
      let carried = try verify(descriptor.text, in: agent.mesh.identity)
      try require(carried.identity == membership.identity, "\(site): a descriptor of another identity")
      members[membership.identity] = (membership, descriptor.content.wireguard.publicKey)
    }
    try checkTunnel(desired, site, agent, Array(members.values))
    let addresses = Set(members.values.flatMap(\.membership.addresses))
    try require(
      addresses.isSuperset(of: desired.firewall.members), "\(site): the firewall lets a stranger in")
    try checkTrunks(desired, site, Dictionary(uniqueKeysWithValues: members.values.map { ($0.0.site, $0.0) }))
  }

  /// The membership that a document is or carries, once all signatures are known to be good.
  private mutating func verify(_ text: String, in mesh: MeshIdentity) throws -> Membership {
    if let membership = verified[text] { return membership }
    let membership =
      try JWS(text).kind == DocumentKind.descriptor.rawValue
      ? Descriptor.verified(text, in: mesh, using: cryptography).membership
      : Membership.verified(text, by: mesh.authority, using: cryptography)
    verified[text] = membership
    return membership
  }

  private func checkTunnel(
    _ desired: DesiredState, _ site: SiteName, _ agent: Agent,
    _ members: [(membership: Membership, tunnelKey: PublicKey)]
  ) throws {
    var owned: Set<IPPrefix> = []
    for peer in desired.tunnel.peers {
      try require(owned.isDisjoint(with: peer.allowedIPs), "\(site): two peers share an address")
      owned.formUnion(peer.allowedIPs)
      if let member = members.first(where: { $0.tunnelKey == peer.publicKey }) {
        try require(
          peer.allowedIPs == Set(member.membership.addresses.map(IPPrefix.init(host:))),
          "\(site): \(member.membership.site) may use addresses that are not its own")
      } else {
        try require(
          agent.invitations.contains {
            $0.tunnelKey == peer.publicKey && peer.allowedIPs == [IPPrefix(host: $0.tunnelAddress)]
          }, "\(site): a tunnel to a stranger")
      }
    }
  }

  private func checkTrunks(_ desired: DesiredState, _ site: SiteName, _ members: [SiteName: Membership])
    throws
  {
    var dialled = desired.trunk.ownExtensions
    for peer in desired.trunk.peers {
      let membership = members[peer.site]
      try require(membership?.addresses.contains(peer.address) == true, "\(site): a trunk to \(peer.site)")
      for pattern in peer.extensions {
        try require(
          membership?.extensions.covers(pattern) == true, "\(site): \(pattern) is not \(peer.site)'s")
        try require(!dialled.contains(where: pattern.overlaps), "\(site): \(pattern) leads to two sites")
        try require(
          !EmergencyNumbers.builtIn.contains(where: pattern.matches),
          "\(site): \(pattern) is an emergency number")
      }
      dialled += peer.extensions
    }
  }

  /// What must be true in the end: one directory, and a link between any two members, with one secret for each
  /// direction.
  func checkConvergence() throws {
    guard let reference = offices[head]?.agent else {
      throw Violation("seed \(seed): the head office is down")
    }
    let members = offices.filter {
      $0.value.agent != nil
        && !reference.directory.revokedIdentities.contains($0.value.keys.identity.publicKey)
    }
    try require(
      Set(members.keys) == Set(reference.sites(at: now).map(\.name)),
      "members \(reference.sites(at: now).map(\.name)), offices \(members.keys.sorted())")
    var trunks: [SiteName: [SiteName: TrunkPeer]] = [:]
    for (name, office) in members {
      try require(
        office.agent?.directory == reference.directory, "\(name) knows other documents than \(head)")
      guard let agent = office.agent else { continue }
      let desired = try agent.desiredState(at: now)
      try require(office.planes?.trunk == desired.trunk, "\(name): its trunks are not as they should be")
      try require(
        office.planes?.firewall == desired.firewall, "\(name): its firewall is not as it should be")
      trunks[name] = Dictionary(uniqueKeysWithValues: desired.trunk.peers.map { ($0.site, $0) })
      try require(
        Set(desired.trunk.peers.map(\.site)) == Set(members.keys).subtracting([name]),
        "\(name) is linked to \(desired.trunk.peers.map(\.site)) of \(members.keys.sorted())")
    }
    for (here, peers) in trunks {
      for (there, peer) in peers {
        try require(
          trunks[there]?[here]?.inbound.contains(peer.outbound) == true, "\(there) refuses calls of \(here)")
      }
    }
  }
}
