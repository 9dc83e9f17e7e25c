// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Agent {
  /// The TCP ports on loopback where the OpenVPN processes of peers that call us listen; below the ephemeral ones.
  static let listenerPorts = UInt16(10_240)...32_767

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

  enum OpenVPNEnd {
    case listens
    case connects(to: [Endpoint])
  }

  /// One end listens, the other calls: nil when neither can be called.
  func openVPNEnd(towards site: Site) -> OpenVPNEnd? {
    guard let theirs = site.descriptor?.openvpn else { return nil }
    let canBeCalled = !configuration.openVPN.endpoints.isEmpty
    // Where both can be called the keys decide, the same way at both ends.
    if canBeCalled, theirs.endpoints.isEmpty || identity < site.identity { return .listens }
    return theirs.endpoints.isEmpty ? nil : .connects(to: theirs.endpoints)
  }

  func openVPNInterface(of site: Site) -> String? {
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
