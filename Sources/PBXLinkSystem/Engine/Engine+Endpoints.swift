// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine {
  /// Looks after the links whose probes are lost: asks the other sites where they see those that have gone silent,
  /// and lets their other endpoints be tried.
  func watchSilence() async throws {
    var silence = SilentPeers()
    var (asked, askedForAll) = (ContinuousClock.now - Self.askingIntervals.all, ContinuousClock.now)
    var second = 0
    while !Task.isCancelled {
      try await Task.sleep(for: .seconds(1))
      second += 1
      guard agent != nil, !isDown, !isJoining else { continue }
      await lookAtDirectTraffic()
      guard let agent else { continue }
      let known = agent.silentSites(at: Self.clock())
      let isCalm =
        known.sought.isEmpty
        && pathStates.allSatisfy { known.all.contains($0.key) || $0.value[.wireguard]?.isUp == true }
      // Of those that have been silent for long the looks tell.
      guard !isCalm || second % Self.lookInterval == 0 else { continue }
      let silent = await silentSites(&silence, agent, known: known)
      if Set(silent.keys) != known.all {
        do {
          try step { agent, now in ((), try agent.handle(.silent(silent), at: now)) }
        } catch {
          logger.error("silence: \(error)")
        }
      }
      guard let sites = self.agent?.silentSites(at: Self.clock()), !sites.all.isEmpty else { continue }
      let now = ContinuousClock.now
      let isForAll = now - askedForAll >= Self.askingIntervals.all
      guard isForAll || !sites.sought.isEmpty && now - asked >= Self.askingIntervals.sought else { continue }
      asked = now
      if isForAll { askedForAll = now }
      let wanted = isForAll ? sites.all : sites.sought
      if !isResolving { Task { await resolveNames(of: wanted) } }
      Task { await askForEndpoints(of: wanted) }
    }
  }

  /// Between two rounds of questions: about those that are looked for in haste, and about all that are silent.
  private static let askingIntervals = (sought: Duration.seconds(2), all: Duration.seconds(30))
  /// How many sites are asked in a round.
  private static let askedSites = 4

  /// Those that are silent, and where they were last. The tunnel is looked at anew only for those that may be found;
  /// for the others the last look is good enough.
  private func silentSites(
    _ silence: inout SilentPeers, _ agent: Agent, known: (sought: Set<SiteName>, all: Set<SiteName>)
  ) async -> [SiteName: ResolvedEndpoint?] {
    var tunnel = lastReport.tunnel
    let lost = agent.linkedSites(at: Self.clock()).filter { site in
      pathStates[site.name]?[.wireguard]?.condition == .down
        || site.descriptor.flatMap { tunnel?.peer(of: $0.wireguard) }.map { $0.endpoint == nil } == true
    }
    guard !lost.isEmpty, let probes = pathProbes else { return [:] }
    if lost.contains(where: { known.sought.contains($0.name) || !known.all.contains($0.name) }) {
      do {
        tunnel = try await recentTunnel()
      } catch {
        logger.debug("silence: \(error)")
        return [:]
      }
    }
    let peers = lost.reduce(into: [:]) { peers, site in
      peers[site.name] = site.descriptor.flatMap { tunnel?.peer(of: $0.wireguard) }
    }
    return silence.update(peers, at: probes.now).reduce(into: [:]) {
      $0.updateValue(peers[$1]?.endpoint, forKey: $1)
    }
  }

  /// The tunnel as it was a second ago at most, however many ask.
  private func recentTunnel() async throws -> ObservedTunnel? {
    if let (tunnel, moment) = tunnelLook, ContinuousClock.now - moment < .seconds(1) { return tunnel }
    let tunnel = try await openPlanes().tunnel.observe(interface: configuration.tunnel.interface)
    tunnelLook = (tunnel, .now)
    return tunnel
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
    let tunnel = try await recentTunnel()
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
