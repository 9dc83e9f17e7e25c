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
    where configuration.tunnel.paths.contains(.openvpnTCP) {
      guard let end = openVPNEnd(towards: site), let descriptor = site.descriptor else { continue }
      guard let interface = openVPNInterface(of: site), let number = number(of: site) else {
        problems.append(
          "no OpenVPN path to '\(site.name)': the mesh network is too large for interface names")
        continue
      }
      guard let ours = announcedTrunkKeys.last, let theirs = descriptor.trunk.newestKey,
        let fingerprint = descriptor.openvpn?.fingerprint
      else { continue }
      let role: OpenVPNLink.Role
      switch end {
      case .connects(let endpoints): role = .connect(to: endpoints, proxy: configuration.openVPN.proxy)
      case .listens: role = .listen(port: Self.port(number, taken: &ports))
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
    for invitation in openInvitations {
      guard let openVPN = invitation.openVPN, let number = number(of: openVPN.address),
        let interface = OpenVPNLink.interface(number: number)
      else { continue }
      links.append(
        OpenVPNLink(
          interface: interface, site: invitation.site,
          role: .listen(port: Self.port(number, taken: &ports)), peerFingerprint: openVPN.certificate,
          controlKey: Self.controlKey(ofInvitation: invitation.tunnelKey, using: cryptography),
          peerAddresses: [openVPN.address], isInUse: true))
    }
    return try OpenVPNConfiguration(
      addresses: (membership?.addresses ?? []).map(IPPrefix.init(host:)), mtu: tunnelMTU,
      key: keys.certificateKey, links: links,
      sharedPort: ports.isEmpty
        ? nil : ResolvedEndpoint(IPAddress(family: .v6, value: 0), port: configuration.openVPN.listenPort))
  }

  /// Whether new sites can join by OpenVPN.
  var offersOpenVPN: Bool {
    configuration.tunnel.paths.contains(.openvpnTCP) && !configuration.openVPN.endpoints.isEmpty
  }

  /// The link of a site that joins over TCP, to the site that invited it; nil where the invitation has none.
  public static func openVPN(
    redeeming invitation: Invitation, throwAwayKey: PublicKey, proxy: Endpoint?,
    using cryptography: any Cryptography
  ) throws -> OpenVPNConfiguration? {
    guard let openVPN = invitation.openvpn,
      let network = invitation.networks.first(where: { $0.family == .v4 }),
      let inviter = invitation.inviter.addresses.first(where: network.contains),
      let interface = OpenVPNLink.interface(number: inviter.value - network.address.value)
    else { return nil }
    return try OpenVPNConfiguration(
      addresses: [IPPrefix(host: openVPN.address)], mtu: TunnelConfiguration.mtuRange.lowerBound,
      key: invitation.tunnel.privateKey,
      links: [
        OpenVPNLink(
          interface: interface, site: invitation.inviter.site,
          role: .connect(to: openVPN.endpoints, proxy: proxy), peerFingerprint: openVPN.fingerprint,
          controlKey: controlKey(ofInvitation: throwAwayKey, using: cryptography),
          peerAddresses: [inviter], isInUse: true)
      ], sharedPort: nil)
  }

  /// The control key of an invitation's OpenVPN path, from its throw-away public key: nobody else is shown that.
  private static func controlKey(
    ofInvitation throwAwayKey: PublicKey, using cryptography: any Cryptography
  ) -> Secret {
    let label = Array("pbxlink openvpn invitation control key 1\0".utf8)
    return Secret((0..<8).flatMap { cryptography.sha256(label + [$0] + throwAwayKey.bytes) })
  }

  /// Where the number of a tunnel address points, or the next free port.
  private static func port(_ number: UInt128, taken: inout Set<UInt16>) -> UInt16 {
    var port = listenerPorts.lowerBound + UInt16(number % UInt128(listenerPorts.count))
    while !taken.insert(port).inserted {
      port = port == listenerPorts.upperBound ? listenerPorts.lowerBound : port + 1
    }
    return port
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
    number(of: site).flatMap(OpenVPNLink.interface)
  }

  private func number(of site: Site) -> UInt128? {
    site.membership.addresses.first { $0.family == .v4 }.flatMap(number)
  }

  /// The number of a tunnel address in the mesh's IPv4 network.
  private func number(of address: IPAddress) -> UInt128? {
    mesh.network(.v4).flatMap { $0.contains(address) ? address.value - $0.address.value : nil }
  }
}
