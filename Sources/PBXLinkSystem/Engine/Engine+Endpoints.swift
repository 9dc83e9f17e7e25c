// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine {
  /// Looks after the links whose probes are lost: asks the other sites where they see those that have gone silent,
  /// and lets their other endpoints be tried.
  func watchSilence() async throws {
    var silence = SilentPeers()
    var asked = ContinuousClock.now - Self.askingInterval
    while !Task.isCancelled {
      try await Task.sleep(for: .seconds(1))
      guard agent != nil, !isDown, !isJoining else { continue }
      await lookAtDirectTraffic()
      guard let agent else { continue }
      let silent = await silentSites(&silence, agent)
      do {
        try step { agent, now in ((), try agent.handle(.silent(silent), at: now)) }
      } catch {
        logger.error("silence: \(error)")
      }
      guard !silent.isEmpty, ContinuousClock.now - asked >= Self.askingInterval else { continue }
      asked = .now
      if !isResolving { Task { await resolveNames(ofSilentOnly: true) } }
      Task { await askForEndpoints(of: Set(silent.keys)) }
    }
  }

  /// Between two rounds of questions about the same silence.
  private static let askingInterval = Duration.seconds(2)
  /// How many sites are asked in a round.
  private static let askedSites = 4

  /// Those that are silent, and where they were last.
  private func silentSites(
    _ silence: inout SilentPeers, _ agent: Agent
  ) async -> [SiteName: ResolvedEndpoint?] {
    let tunnel = lastReport.tunnel
    let lost = agent.linkedSites(at: Self.clock()).filter { site in
      pathStates[site.name]?[.wireguard]?.condition == .down
        || site.descriptor.flatMap { tunnel?.peer(of: $0.wireguard) }.map { $0.endpoint == nil } == true
    }
    guard !lost.isEmpty, let probes = pathProbes else { return [:] }
    do {
      let tunnel = try await openPlanes().tunnel.observe(interface: configuration.tunnel.interface)
      let peers = lost.reduce(into: [:]) { peers, site in
        peers[site.name] = site.descriptor.flatMap { tunnel?.peer(of: $0.wireguard) }
      }
      return silence.update(peers, at: probes.now).reduce(into: [:]) {
        $0.updateValue(peers[$1]?.endpoint, forKey: $1)
      }
    } catch {
      logger.debug("silence: \(error)")
      return [:]
    }
  }

  private func askForEndpoints(of silent: Set<SiteName>) async {
    guard let agent else { return }
    let peers = agent.linkedSites(at: Self.clock()).filter {
      agent.linksUp.contains($0.name) && !silent.contains($0.name)
    }
    for peer in peers.shuffled().prefix(Self.askedSites) {
      guard let client = client(of: peer, timeout: 3) else { continue }
      do {
        let answer = try await client.endpoints(of: silent.sorted())
        var seen: [SiteName: ResolvedEndpoint] = [:]
        for (name, endpoint) in answer.endpoints {
          guard let name = SiteName(name), silent.contains(name) else { continue }
          seen[name] = ResolvedEndpoint(endpoint)
        }
        try step { agent, now in ((), try agent.handle(.endpointsSeen(seen, by: peer.name), at: now)) }
      } catch {
        logger.debug("endpoints: \(error)")
      }
    }
  }

  /// Most sites that are looked up in one answer.
  private static let endpointLimit = 1000

  func exchangeEndpoints(
    _ request: EndpointsRequest, from address: IPAddress
  ) async throws -> EndpointsAnswer {
    _ = try heard(address)
    let now = Self.clock()
    let wanted = Set(request.sites.prefix(Self.endpointLimit))
    let tunnel = try await openPlanes().tunnel.observe(interface: configuration.tunnel.interface)
    let seen = try member().linkedSites(at: now).reduce(into: [String: Endpoint]()) { seen, site in
      guard wanted.contains(site.name), let key = site.descriptor?.wireguard,
        let peer = tunnel?.peer(of: key), peer.hasKeys(at: now), let endpoint = peer.endpoint,
        // An endpoint that we have lost ourselves helps nobody.
        pathStates[site.name]?[.wireguard]?.condition != .down
      else { return }
      seen[site.name.description] = Endpoint(endpoint.address, port: endpoint.port)
    }
    return EndpointsAnswer(endpoints: seen)
  }
}
