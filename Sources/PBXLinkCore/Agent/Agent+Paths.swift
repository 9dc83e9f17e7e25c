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
      }
    }
  }

  /// The path in use to a site.
  public func path(to site: Site) -> TunnelPath {
    pathSelections[site.identity]?.inUse ?? paths(to: site).first ?? .wireguard
  }

  /// The paths to a site, for status.
  public func linkPaths(
    to site: Site, states: [TunnelPath: PathState], openVPN: ObservedOpenVPN?
  ) -> LinkPaths {
    let interface = openVPNInterface(of: site)
    return LinkPaths(
      offered: paths(to: site), inUse: path(to: site), states: states,
      openVPN: interface.flatMap { openVPN?.status(of: $0) },
      openVPNProblem: interface.flatMap { openVPN?.problem(of: $0) })
  }

  /// Whether there is a site of which it is not yet known which path is in use.
  public func lacksPaths(at now: Timestamp) -> Bool {
    linkedSites(at: now).contains { pathSelections[$0.identity] == nil && paths(to: $0).count > 1 }
  }

  /// Takes over what the routes show: calls that are up must not notice that the agent has started again.
  /// - Parameter routed: the OpenVPN interfaces that packets to their peers take.
  public mutating func adoptPaths(routed: Set<String>, at now: Timestamp) {
    for site in linkedSites(at: now) where pathSelections[site.identity] == nil {
      let paths = paths(to: site)
      guard paths.count > 1 else { continue }
      let isRouted = openVPNInterface(of: site).map(routed.contains) ?? false
      pathSelections[site.identity] = PathSelection(paths, inUse: isRouted ? .openvpnTCP : paths[0])
    }
  }

  /// The paths to probe.
  public func probedPaths(at now: Timestamp) -> [ProbeTarget] {
    guard let local = membership?.addresses.first(where: { $0.family == .v4 }) else { return [] }
    return linkedSites(at: now).flatMap { site -> [ProbeTarget] in
      guard let peer = site.membership.addresses.first(where: { $0.family == .v4 }) else { return [] }
      return paths(to: site).compactMap { path in
        let interface = path == .wireguard ? configuration.tunnel.interface : openVPNInterface(of: site)
        return interface.flatMap {
          ProbeTarget(site: site.name, path: path, interface: $0, peer: peer, local: local)
        }
      }
    }
  }

  mutating func selectPaths(
    _ states: [SiteName: [TunnelPath: PathState]], at moment: Duration, _ now: Timestamp
  ) -> [Effect] {
    var effects: [Effect] = []
    let linked = linkedSites(at: now)
    let known = Set(linked.map(\.identity))
    pathSelections = pathSelections.filter { known.contains($0.key) }
    for site in linked {
      let paths = paths(to: site)
      guard paths.count > 1 else {
        if let former = pathSelections.removeValue(forKey: site.identity), former.inUse != paths.first {
          effects.append(.reconcile)
        }
        continue
      }
      var selection = pathSelections[site.identity] ?? PathSelection(paths, inUse: paths[0])
      let before = selection.inUse
      selection.preference = paths
      selection.update(states: states[site.name] ?? [:], at: moment)
      pathSelections[site.identity] = selection
      guard selection.inUse != before else { continue }
      let isFallback = states[site.name]?[before]?.condition == .down
      let why = isFallback ? "\(before.rawValue) does not answer" : "it works and is preferred"
      effects += [
        .reconcile,
        .journal(
          JournalEntry(
            .pathChanged, site: site.name,
            "link to '\(site.name)' moves to \(selection.inUse.rawValue): \(why)")),
      ]
    }
    return effects
  }
}
