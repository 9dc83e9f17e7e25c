// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Agent {
  /// What WireGuard adds to a packet over IPv6: IP 40, UDP 8, header and tag 32 bytes (whitepaper §5.4.6). Over
  /// IPv4 20 bytes of it are to spare.
  static let wireGuardOverhead = 80

  /// The MTU of all tunnel interfaces, so that a link may change from one path to another. OpenVPN over TCP is a
  /// stream and takes any.
  public var tunnelMTU: Int {
    let fitting = (underlayMTU ?? 1500) - Self.wireGuardOverhead
    return configuration.tunnel.mtu
      ?? min(max(fitting, TunnelConfiguration.mtuRange.lowerBound), TunnelConfiguration.mtuRange.upperBound)
  }

  /// The paths to a site that both ends offer, the preferred one first.
  func paths(to site: Site) -> [TunnelPath] {
    configuration.tunnel.paths.filter { path in
      switch path {
      case .wireguard: true
      case .openvpnTCP: openVPNEnd(towards: site) != nil && openVPNInterface(of: site) != nil
      case .relay: mayRelay(to: site)
      }
    }
  }

  /// The path in use to a site.
  public func path(to site: Site) -> TunnelPath {
    pathSelections[site.identity]?.inUse ?? paths(to: site).first ?? .wireguard
  }

  /// The paths to a site, for status.
  public func linkPaths(
    to site: Site, states: [TunnelPath: PathState], figures: [TunnelPath: LinkFigures] = [:],
    openVPN: ObservedOpenVPN?
  ) -> LinkPaths {
    let interface = openVPNInterface(of: site)
    return LinkPaths(
      offered: paths(to: site), inUse: path(to: site), relay: relay(to: site), states: states,
      figures: figures, hasLeftPoorPath: pathSelections[site.identity]?.hasLeftPoorPath ?? false,
      codec: callCodec(with: site),
      openVPN: interface.flatMap { openVPN?.status(of: $0) },
      openVPNProblem: interface.flatMap { openVPN?.problem(of: $0) })
  }

  /// What calls with each site ask of a path.
  public func callStandards(at now: Timestamp) -> [SiteName: CallStandard] {
    linkedSites(at: now).reduce(into: [:]) { standards, site in
      standards[site.name] = CallStandard(
        codec: callCodec(with: site), minimumMOS: configuration.minimumMOS)
    }
  }

  /// The codec of calls with a site: the first one that both ends allow.
  public func callCodec(with site: Site) -> String? {
    configuration.trunk.codecs.first { site.descriptor?.trunk.codecs.contains($0) == true }
  }

  /// Whether there is a site of which it is not yet known which path is in use.
  public func lacksPaths(at now: Timestamp) -> Bool {
    linkedSites(at: now).contains { pathSelections[$0.identity] == nil && paths(to: $0).count > 1 }
  }

  /// Takes over what the routes show: calls that are up must not notice that the agent has started again.
  /// - Parameters:
  ///   - routed: the OpenVPN interfaces that packets to their peers take.
  ///   - tunnel: whose allowed IPs show which sites are reached by a relay.
  public mutating func adoptPaths(
    routed: Set<String>, tunnel: ObservedTunnel? = nil, monotonic moment: Duration = .zero, at now: Timestamp
  ) {
    let linked = linkedSites(at: now)
    for site in linked where pathSelections[site.identity] == nil {
      let paths = paths(to: site)
      guard paths.count > 1 else { continue }
      let isRouted = openVPNInterface(of: site).map(routed.contains) ?? false
      var inUse = isRouted ? .openvpnTCP : paths[0]
      if !isRouted, paths.contains(.relay), let relay = tunnel?.relay(to: site, among: linked) {
        inUse = .relay
        relayAgreements[site.identity] = RelayAgreement(
          isLeader: mesh.site < site.name, choice: relay, at: moment)
      }
      pathSelections[site.identity] = PathSelection(paths, inUse: inUse)
    }
  }

  /// The paths to probe.
  public func probedPaths(at now: Timestamp) -> [ProbeTarget] {
    guard let local = membership?.addresses.first(where: { $0.family == .v4 }) else { return [] }
    return linkedSites(at: now).flatMap { site -> [ProbeTarget] in
      guard let peer = site.membership.addresses.first(where: { $0.family == .v4 }) else { return [] }
      // What leaves by the WireGuard interface takes the direct way or the relay, whichever is in use.
      let relay = relay(to: site)
      let probed = paths(to: site).filter { $0 != (relay == nil ? .relay : .wireguard) }
      return probed.compactMap { path in
        let interface = path == .openvpnTCP ? openVPNInterface(of: site) : configuration.tunnel.interface
        return interface.flatMap {
          var target = ProbeTarget(
            site: site.name, path: path, interface: $0, peer: peer, local: local,
            iaxPort: site.descriptor?.trunk.port)
          if path == .relay { target?.relay = relay }
          return target
        }
      }
    }
  }

  mutating func selectPaths(
    _ probed: [SiteName: [TunnelPath: PathState]], direct: [SiteName: PathState], at moment: Duration,
    _ now: Timestamp
  ) -> [Effect] {
    var effects: [Effect] = []
    let linked = linkedSites(at: now)
    let known = Set(linked.map(\.identity))
    pathSelections = pathSelections.filter { known.contains($0.key) }
    relayAgreements = relayAgreements.filter { known.contains($0.key) }
    reachableRelays = reachableRelays(among: linked, probed)
    effects += notePathMTUs(of: linked, probed)
    poorRelays = Set(reachableRelays.keys.filter { probed[$0]?[.wireguard]?.condition == .degraded })
    for site in linked {
      let paths = paths(to: site)
      guard paths.count > 1 else {
        if let former = pathSelections.removeValue(forKey: site.identity), former.inUse != paths.first {
          effects.append(.reconcile)
        }
        continue
      }
      var selection = pathSelections[site.identity] ?? PathSelection(paths, inUse: paths[0])
      selection.preference = paths
      pathSelections[site.identity] = selection
      effects += select(
        selection, to: site, probed: probed[site.name] ?? [:], direct: direct[site.name], at: moment)
    }
    return effects
  }

  private mutating func select(
    _ current: PathSelection, to site: Site, probed: [TunnelPath: PathState], direct: PathState?,
    at moment: Duration
  ) -> [Effect] {
    var selection = current
    func states() -> [TunnelPath: PathState] {
      var states = pathStates(to: site, probed: probed, direct: direct, at: moment)
      // Calls get through, and the agent there could not follow to another way.
      if let state = states[current.inUse], state.isOnlyAgentSilent {
        states[current.inUse] = PathState(.up, since: state.since)
      }
      return states
    }
    let relay = relay(to: site)
    agree(with: site, states(), at: moment)
    let states = states()
    selection.update(states: states, at: moment)
    if current.inUse == .relay, selection.inUse == .wireguard, states[.relay]?.isUp == true {
      // Both must go at the same moment, so it is asked first.
      return relayAgreements[site.identity]?.mayAsk(at: moment) == true ? [.askForDirect(site.name)] : []
    }
    if current.inUse != .relay, selection.inUse == .relay, states[current.inUse]?.isUp == true,
      let agreement = relayAgreements[site.identity], let choice = agreement.choice,
      moment - agreement.chosenAt < RelayAgreement.askingTime
    {
      // The way that is left still works, so both can go at the same moment.
      guard agreement.isLeader, relayAgreements[site.identity]?.mayAsk(at: moment) == true else { return [] }
      return [.askForRelay(site.name, relay: choice)]
    }
    if current.inUse != .relay, selection.inUse == .relay,
      relayAgreements[site.identity]?.hasAsked(at: moment) == true
    {
      // That nothing comes by it any more is since the peer has gone: it is left for what we have asked for.
      selection = current
      selection.leavePoorPath(for: .relay, at: moment)
    }
    pathSelections[site.identity] = selection
    guard selection.inUse != current.inUse else {
      let next = self.relay(to: site)
      guard next != relay else { return [] }
      return next == nil ? [.reconcile] : moved(site, "it is the best that both reach")
    }
    let why =
      switch states[current.inUse]?.condition {
      case .down where !selection.hasLeftPoorPath: "\(current.inUse.rawValue) does not answer"
      case .down,
        .degraded where !selection.isPreferred(to: current.inUse):
        Self.poorWay(current.inUse)
      default: "it works and is preferred"
      }
    return moved(site, why)
  }

  func moved(_ site: Site, _ why: String) -> [Effect] {
    let path = path(to: site).rawValue + (relay(to: site).map { " '\($0)'" } ?? "")
    return [
      .reconcile,
      .journal(
        JournalEntry(.pathChanged, site: site.name, "link to '\(site.name)' moves to \(path): \(why)")),
    ]
  }
}

extension ObservedTunnel {
  /// The relay that has a site's address among its allowed IPs.
  fileprivate func relay(to site: Site, among linked: [Site]) -> SiteName? {
    guard let address = site.membership.addresses.first(where: { $0.family == .v4 }),
      let (key, _) = peers.first(where: { $0.value.allowedIPs.contains(IPPrefix(host: address)) })
    else { return nil }
    return linked.first {
      $0.identity != site.identity && $0.membership.roles.contains(.relay)
        && $0.descriptor?.wireguard.keys.contains(key) == true
    }?.name
  }
}
