// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import NIOCore
internal import PBXLinkCore

extension Engine {
  /// Redeems an invitation through its throw-away tunnel. Our keys are on disk before they are offered, so
  /// that a join that was cut off can be run again with the same keys.
  func join(_ request: Control.JoinRequest) async throws -> Control.MemberAnswer {
    let now = Self.clock()
    let invitation = try Invitation.parse(request.invitation, now: now, using: cryptography)
    if let agent {
      guard agent.mesh.site == invitation.site, agent.mesh.identity.name == invitation.mesh,
        agent.directory.authority == invitation.authority
      else {
        throw Failure(
          "This server is site '\(agent.mesh.site)' of mesh '\(agent.mesh.identity.name)' already. Run "
            + "'pbxlink uninstall' first if it is to become '\(invitation.site)'.", .configuration)
      }
    }
    guard !isJoining else {
      throw Failure("Another 'pbxlink init' or 'pbxlink join' is under way here.", .temporaryFailure)
    }
    if let site = agent?.site(at: invitation.inviter.addresses[0], now: now), await synchronize(with: site) {
      return try memberAnswer(problems: [])
    }
    do {
      try await alone { try await redeem(invitation, at: now) }
    } catch {
      if agent == nil { _ = await inTurn { await self.removePlanes() } } else { await reconcile() }
      throw error
    }
    let problems = await carryOut([.reconcile]).value
    if let site = try member().site(at: invitation.inviter.addresses[0], now: Self.clock()) {
      _ = await synchronize(with: site)
    }
    return try memberAnswer(problems: problems)
  }

  /// Becomes a member, and tells the inviter how to reach us before the throw-away tunnel goes.
  private func redeem(_ invitation: Invitation, at now: Timestamp) async throws {
    if let error = clockError(now) { throw error }
    configuration = try readSiteFile()
    let generations = agent?.keyGenerations ?? KeyGenerations()
    let keys = try keyFiles.createAgentKeys(authority: false, generations)
    let answer = try await ask(invitation, identity: keys.identity.publicKey, over: try await openPlanes())
    let (agent, effects) = try Agent.join(
      invitation, answer: answer, configuration: configuration, keys: keys, keyGenerations: generations,
      documents: agent?.directory.allDocuments() ?? [], cryptography: cryptography, at: now)
    try commit(agent, effects, meta: [try .setMeta(.mesh, agent.mesh)], at: now)
    let inviter = exchangeClient(to: invitation)
    let receipt = try await inviter.push(agent.directory.allDocuments())
    if let reason = receipt.refused.first {
      throw Failure("'\(inviter.name)' refused us: \(reason)", .protocolError)
    }
  }

  private func removePlanes() async -> Planes.Report {
    do {
      return await (try openPlanes()).remove()
    } catch {
      var report = Planes.Report()
      report.failures.append((.tunnel, String(describing: error)))
      return report
    }
  }

  private func exchangeClient(to invitation: Invitation) -> ExchangeClient {
    ExchangeClient(
      address: invitation.inviter.addresses[0], port: invitation.inviter.exchangePort,
      name: invitation.inviter.site.description, timeout: 8)
  }

  /// Brings the throw-away tunnel up and asks, at each of the inviter's endpoints in turn; over TCP if none answers.
  private func ask(
    _ invitation: Invitation, identity: PublicKey, over planes: Planes
  ) async throws -> JoinAnswer {
    let request = JoinRequest(secret: Base64URL.encode(invitation.secret.exposedBytes), identity: identity)
    let client = exchangeClient(to: invitation)
    var endpoints: [ResolvedEndpoint] = []
    var lastError: any Error = Failure("'\(client.name)' has no endpoint that can be looked up", .unavailable)
    for endpoint in invitation.inviter.endpoints {
      do { endpoints += try await NameResolution.resolve(endpoint) } catch { lastError = error }
    }
    for endpoint in endpoints {
      try await planes.openThrowAway(
        invitation, endpoint: endpoint, configuration: configuration, at: Self.clock())
      switch try await client.redeem(request) {
      case .success(let answer): return answer
      case .failure(let error): lastError = error
      }
    }
    let key = try X25519PrivateKey(invitation.tunnel.privateKey).publicKey
    if let link = try Agent.openVPN(
      redeeming: invitation, throwAwayKey: key, proxy: configuration.openVPN.proxy, using: cryptography)
    {
      // The first attempts may come before the connection.
      var attempts = 3
      do {
        try await planes.openThrowAway(invitation, link, configuration: configuration)
      } catch {
        (lastError, attempts) = (error, 0)
      }
      for _ in 0..<attempts {
        switch try await client.redeem(request) {
        case .success(let answer): return answer
        case .failure(let error): lastError = error
        }
      }
    }
    let tried =
      endpoints.map { "\($0) (UDP)" } + (invitation.openvpn?.endpoints.map { "\($0) (TCP)" } ?? [])
    throw Failure(
      "'\(client.name)' cannot be reached at \(tried.joined(separator: ", ")) (\(lastError)). Check "
        + "that its agent runs and that one of these ports is open there, and that the invitation "
        + "has not been used or replaced.", .unavailable)
  }
}

extension ExchangeClient {
  /// The answer, or why there was none; throws when the answer is no.
  fileprivate func redeem(_ request: JoinRequest) async throws -> Result<JoinAnswer, any Error> {
    do {
      return .success(try await join(request))
    } catch let error as ExchangeError where error.isAnswer {
      throw Failure("'\(name)' refused the invitation: \(error.reason)", .noPermission)
    } catch {
      return .failure(error)
    }
  }
}

extension Planes {
  /// OpenVPN to the inviter alone, beside the tunnel that did not get through.
  fileprivate func openThrowAway(
    _ invitation: Invitation, _ link: OpenVPNConfiguration, configuration: Configuration
  ) async throws {
    _ = try await firewall.apply(
      throwAwayFirewall(
        invitation, configuration,
        peers: link.links.map { .init(name: $0.interface, addresses: $0.peerAddresses) }))
    try await openVPN.apply(changes(from: try await openVPN.observe(), to: link), to: link)
  }

  private func throwAwayFirewall(
    _ invitation: Invitation, _ configuration: Configuration,
    peers: [FirewallConfiguration.PeerInterface] = []
  ) -> FirewallConfiguration {
    FirewallConfiguration(
      interfaces: [interface], peerInterfaces: peers, members: invitation.inviter.addresses, invited: [],
      meshNetworks: invitation.networks, exchangePort: configuration.exchangePort,
      probePort: configuration.probePort, iaxPort: configuration.trunk.port,
      tunnelPort: configuration.tunnel.listenPort, protectIAX: configuration.firewall.protectIAX,
      allowedIAX: configuration.firewall.allowIAX)
  }

  /// A tunnel to the inviter alone, with the invitation's key and address.
  fileprivate func openThrowAway(
    _ invitation: Invitation, endpoint: ResolvedEndpoint, configuration: Configuration, at now: Timestamp
  ) async throws {
    let key = try X25519PrivateKey(invitation.tunnel.privateKey)
    let desired = try TunnelConfiguration(
      interface: interface, privateKey: invitation.tunnel.privateKey, publicKey: key.publicKey,
      listenPort: configuration.tunnel.listenPort, addresses: [IPPrefix(host: invitation.tunnel.address)],
      mtu: configuration.tunnel.mtu ?? TunnelConfiguration.mtuRange.lowerBound,
      peers: [
        TunnelPeer(
          publicKey: invitation.inviter.publicKey,
          allowedIPs: Set(invitation.inviter.addresses.map(IPPrefix.init(host:))), endpoint: endpoint,
          keepalive: 0)
      ], routes: invitation.networks)
    _ = try await firewall.apply(throwAwayFirewall(invitation, configuration))
    try await tunnel.apply(
      changes(from: try await tunnel.observe(interface: interface), to: desired, at: now), to: desired)
  }
}
