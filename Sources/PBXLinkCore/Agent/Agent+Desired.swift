// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The state that a site's planes should be in.
public struct DesiredState: Hashable, Sendable {
  /// The tunnel interface.
  public let tunnel: TunnelConfiguration
  /// The OpenVPN interfaces, one for each peer that has such a path.
  public let openVPN: OpenVPNConfiguration
  /// The firewall table.
  public let firewall: FirewallConfiguration
  /// Asterisk's peers, users and dialplan.
  public let trunk: TrunkConfiguration
  /// The sites behind each key of the tunnel's peers.
  public let sites: [PublicKey: Set<SiteName>]
  /// Linked sites that get no trunk, and why: one sentence each.
  public let problems: [String]
}

extension Agent {
  /// What the planes should be, from the directory and the site file.
  public func desiredState(at now: Timestamp) throws -> DesiredState {
    let linked = linkedSites(at: now)
    var problems: [String] = []
    let peers = linked.filter { !isAwaited($0) }.compactMap { site in
      do {
        return try trunkPeer(to: site)
      } catch {
        // What one site announces must not stop the others' trunks.
        problems.append("no trunk to '\(site.name)': its trunk key cannot be used (\(error))")
        return nil
      }
    }
    let paths = try openVPN(to: linked, problems: &problems)
    return DesiredState(
      tunnel: try tunnel(to: linked, at: now), openVPN: paths, firewall: firewall(for: linked, paths.links),
      trunk: trunk(with: peers),
      sites: linked.reduce(into: [:]) { sites, site in
        for key in site.descriptor?.wireguard.keys ?? [] { sites[key, default: []].insert(site.name) }
      }, problems: problems)
  }

  /// What the tunnel should be.
  public func desiredTunnel(at now: Timestamp) throws -> TunnelConfiguration {
    try tunnel(to: linkedSites(at: now), at: now)
  }

  private func tunnel(to linked: [Site], at now: Timestamp) throws -> TunnelConfiguration {
    // A site that announces another's key gives its own addresses away to that key's holder, no more: one peer.
    let reached = configuration.tunnel.paths.contains(.wireguard) ? linked : []
    let holders = Dictionary(
      grouping: reached.compactMap { site in site.descriptor.map { (site, $0.wireguard) } }
    ) { $0.1.publicKey }
    // A key that somebody uses, or that two say comes next, is nobody's next one.
    let own = [keys.tunnel.publicKey, keys.nextTunnel.publicKey]
    let announced = (own + openInvitations.map(\.tunnelKey) + holders.values.flatMap { $0.flatMap(\.1.keys) })
      .reduce(into: [:]) { $0[$1, default: 0] += 1 }
    let carried = carried(linked)
    let behindRelay = Set(carried.values.joined().map(\.identity))
    let members = holders.map { key, sites in
      // By a relay goes IPv4, which calls, probes and the exchange use.
      let own = sites.flatMap { site in
        site.0.membership.addresses.filter { $0.family == .v6 || !behindRelay.contains(site.0.identity) }
      }
      let others = sites.flatMap { carried[$0.0.name] ?? [] }.flatMap(\.membership.addresses).filter {
        $0.family == .v4
      }
      let isBehindRelay = sites.contains { behindRelay.contains($0.0.identity) }
      return TunnelPeer(
        publicKey: key, nextKey: sites[0].1.nextPublicKey.flatMap { announced[$0] == 1 ? $0 : nil },
        triesNextKey: triesNextKey(of: sites.map(\.0), at: now),
        isSilent: sites.allSatisfy { silent.keys.contains($0.0.name) },
        allowedIPs: Set((own + others).map(IPPrefix.init(host:))),
        endpoint: candidate(of: sites.map(\.0), at: now),
        keepalive: isBehindRelay ? DirectTraffic.keepalive : configuration.tunnel.keepalive)
    }.sorted { $0.publicKey < $1.publicKey }
    // A site that announces the throw-away key of an invitation as its own must not stop the other links.
    let taken = Set(members.map(\.publicKey) + members.compactMap(\.nextKey))
    let invited = openInvitations.filter { !taken.contains($0.tunnelKey) }.map {
      TunnelPeer(
        publicKey: $0.tunnelKey, allowedIPs: [IPPrefix(host: $0.tunnelAddress)], endpoint: nil, keepalive: 0)
    }
    return try TunnelConfiguration(
      interface: configuration.tunnel.interface, privateKey: tunnelKey.privateKey,
      publicKey: tunnelKey.publicKey,
      listenPort: configuration.tunnel.listenPort,
      addresses: (membership?.addresses ?? []).map(IPPrefix.init(host:)),
      mtu: tunnelMTU, peers: members + invited, routes: mesh.networks, routeMTUs: routeMTUs(of: linked),
      forwards: isRelay)
  }

  /// The invitations that let someone in: none once we are revoked ourselves.
  var openInvitations: [PendingInvitation] { isRevoked ? [] : invitations }

  private func firewall(for linked: [Site], _ links: [OpenVPNLink]) -> FirewallConfiguration {
    FirewallConfiguration(
      interfaces: [configuration.tunnel.interface],
      peerInterfaces: links.map { .init(name: $0.interface, addresses: $0.peerAddresses) },
      members: linked.flatMap(\.membership.addresses).sorted(),
      invited: openInvitations.flatMap(\.throwAwayAddresses).sorted(), meshNetworks: mesh.networks,
      exchangePort: configuration.exchangePort, probePort: configuration.probePort,
      iaxPort: configuration.trunk.port, tunnelPort: configuration.tunnel.listenPort,
      protectIAX: configuration.firewall.protectIAX, allowedIAX: configuration.firewall.allowIAX.sorted(),
      relayedIAX: isRelay ? Set(linked.compactMap(\.descriptor?.trunk.port)) : [])
  }

  private func trunk(with peers: [TrunkPeer]) -> TrunkConfiguration {
    TrunkConfiguration(
      site: mesh.site, isRelay: isRelay, peers: peers,
      ownExtensions: announcedExtensions(granted: membership?.extensions ?? []),
      emergency: configuration.numbers.emergency.numbers,
      localContext: configuration.asterisk.localContext, phoneContexts: configuration.asterisk.phoneContexts,
      managerPort: configuration.asterisk.managerPort, managerSecret: keys.manager)
  }

  private func trunkPeer(to site: Site) throws -> TrunkPeer? {
    guard let trunk = site.descriptor?.trunk, let ours = trunkKey(for: site),
      let theirs = trunk.newestKey,
      let address = site.membership.addresses.first(where: { $0.family == .v4 })
    else { return nil }
    func credential(out: Bool, _ key: any TrunkKey, _ peer: Descriptor.TrunkKey) throws -> TrunkCredential {
      let direction = TrunkDirection(
        mesh: mesh.identity.name, caller: out ? mesh.site : site.name, callee: out ? site.name : mesh.site,
        callerGeneration: out ? key.generation : peer.generation,
        calleeGeneration: out ? peer.generation : key.generation)
      return TrunkCredential(
        userName: TrunkNames.user(
          caller: direction.caller, callerGeneration: direction.callerGeneration,
          calleeGeneration: direction.calleeGeneration),
        secret: try key.secret(for: direction, with: peer.publicKey))
    }
    let inbound = try keys.trunk.flatMap { key in
      try trunk.keys.map { try credential(out: false, key, $0) }
    }
    // Both ends must agree on encryption; one that turns it off turns it off for the link. The cap likewise.
    return TrunkPeer(
      site: site.name, address: address, port: trunk.port,
      callLimit: min(configuration.trunk.callLimit, trunk.callLimit),
      codecs: configuration.trunk.codecs.filter(trunk.codecs.contains),
      encryption: configuration.trunk.encryption && trunk.encryption, extensions: site.extensions,
      isRelay: configuration.tunnel.paths.contains(.relay) && directory.relays.contains(site.name),
      outbound: try credential(out: true, ours, theirs), inbound: inbound)
  }
}
