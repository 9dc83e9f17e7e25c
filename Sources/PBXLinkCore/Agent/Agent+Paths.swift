// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Agent {
  /// The TCP ports on loopback where the OpenVPN processes of peers that call us listen; below the ephemeral ones.
  static let listenerPorts = UInt16(10_240)...32_767

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
    configuration.paths.filter { path in
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
    LinkPaths(
      offered: paths(to: site), inUse: path(to: site), states: states,
      openVPNProblem: openVPNInterface(of: site).flatMap { openVPN?.problem(of: $0) })
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

  /// The paths to probe: all but WireGuard where it is the only one, whose handshakes tell enough.
  public func probedPaths(at now: Timestamp) -> [ProbeTarget] {
    guard let local = membership?.addresses.first(where: { $0.family == .v4 }) else { return [] }
    return linkedSites(at: now).flatMap { site -> [ProbeTarget] in
      let paths = paths(to: site)
      guard paths != [.wireguard], let peer = site.membership.addresses.first(where: { $0.family == .v4 })
      else {
        return []
      }
      return paths.compactMap { path in
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

  /// The OpenVPN links to sites that offer them, as far as ours does.
  func openVPN(to linked: [Site], problems: inout [String]) throws -> OpenVPNConfiguration {
    var links: [OpenVPNLink] = []
    var ports: Set<UInt16> = []
    // In the order of identities, so that a site that comes seldom moves another's port.
    for site in linked.sorted(by: { $0.identity < $1.identity })
    where configuration.paths.contains(.openvpnTCP) {
      guard let end = openVPNEnd(towards: site), let descriptor = site.descriptor else { continue }
      guard let interface = openVPNInterface(of: site), let number = number(of: site) else {
        problems.append(
          "no OpenVPN path to '\(site.name)': the mesh network is too large for interface names")
        continue
      }
      guard let ours = keys.trunk.last, let theirs = descriptor.trunk.newestKey,
        let fingerprint = descriptor.openvpn?.fingerprint
      else { continue }
      let role: OpenVPNLink.Role
      switch end {
      case .connects(let endpoints): role = .connect(to: endpoints, proxy: configuration.openVPN.proxy)
      case .listens:
        let range = Self.listenerPorts
        var port = range.lowerBound + UInt16(number % UInt128(range.count))
        while !ports.insert(port).inserted {
          port = port == range.upperBound ? range.lowerBound : port + 1
        }
        role = .listen(port: port)
      }
      let pair = SitePair(
        mesh: mesh.identity.name, .init(mesh.site, generation: ours.generation),
        .init(site.name, generation: theirs.generation))
      do {
        links.append(
          OpenVPNLink(
            interface: interface, site: site.name, role: role, peerFingerprint: fingerprint,
            controlKey: try ours.controlKey(of: pair, with: theirs.publicKey),
            peerAddresses: site.membership.addresses, isInUse: path(to: site) == .openvpnTCP))
      } catch {
        problems.append("no OpenVPN path to '\(site.name)': its trunk key cannot be used (\(error))")
      }
    }
    return try OpenVPNConfiguration(
      addresses: (membership?.addresses ?? []).map(IPPrefix.init(host:)), mtu: tunnelMTU,
      key: keys.certificateKey, links: links,
      sharedPort: ports.isEmpty
        ? nil : ResolvedEndpoint(IPAddress(family: .v6, value: 0), port: configuration.openVPN.listenPort))
  }

  private enum OpenVPNEnd {
    case listens
    case connects(to: [Endpoint])
  }

  /// One end listens, the other calls: nil when neither can be called.
  private func openVPNEnd(towards site: Site) -> OpenVPNEnd? {
    guard let theirs = site.descriptor?.openvpn else { return nil }
    let canBeCalled = !configuration.openVPN.endpoints.isEmpty
    // Where both can be called the keys decide, the same way at both ends.
    if canBeCalled, theirs.endpoints.isEmpty || identity < site.identity { return .listens }
    return theirs.endpoints.isEmpty ? nil : .connects(to: theirs.endpoints)
  }

  private func openVPNInterface(of site: Site) -> String? {
    number(of: site).map { "pbxlink-\($0)" }.flatMap { OpenVPNLink.isInterfaceName($0) ? $0 : nil }
  }

  /// The number of a site's tunnel address in the mesh's IPv4 network.
  private func number(of site: Site) -> UInt128? {
    guard let network = mesh.network(.v4),
      let address = site.membership.addresses.first(where: { $0.family == .v4 }), network.contains(address)
    else { return nil }
    return address.value - network.address.value
  }
}
