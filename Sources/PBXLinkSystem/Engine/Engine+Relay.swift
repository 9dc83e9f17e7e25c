// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine {
  /// Agrees by notes at the relays with the sites that cannot be reached otherwise.
  func visitRelays() async throws {
    for await _ in relaysWanted.stream {
      nextRelayVisit?.cancel()
      guard let agent, !agent.relayChoices.isEmpty, let probes = pathProbes, !isDown, !isJoining else {
        continue
      }
      let (now, moment) = (Self.clock(), probes.now)
      for visit in agent.relayVisits(monotonic: moment, at: now)
      where visitedRelays.insert(visit.relay.name).inserted {
        Task { await self.visit(visit, probes) }
      }
      let interval = agent.relayVisitInterval(pathStates, monotonic: moment, at: now)
      nextRelayVisit = Task {
        try await Task.sleep(for: interval)
        relaysWanted.continuation.yield()
      }
    }
  }

  /// One visit at a time to each relay: one that does not answer holds up nobody else.
  private func visit(_ visit: RelayVisit, _ probes: PathProbes) async {
    defer { visitedRelays.remove(visit.relay.name) }
    guard let client = client(of: visit.relay, timeout: 3) else { return }
    do {
      try await exchangeNotes(of: visit, with: client, probes)
      // A choice made now moves our packets now: the other end loses them until it knows.
      let next = agent?.relayVisits(monotonic: probes.now, at: Self.clock()).first {
        $0.relay.name == visit.relay.name
      }
      if let next, next.notes.mapValues(\.choice) != visit.notes.mapValues(\.choice) {
        try await exchangeNotes(of: next, with: client, probes)
      }
    } catch {
      logger.debug("relay '\(visit.relay.name)': \(error)")
    }
  }

  private func exchangeNotes(
    of visit: RelayVisit, with client: ExchangeClient, _ probes: PathProbes
  ) async throws {
    let answer = try await client.relay(RelayRequest(notes: visit.notes))
    try step { agent, now in
      ((), try agent.handle(.relayNotes(answer.notes, monotonic: probes.now), at: now))
    }
    await selectPaths()
  }

  func exchangeRelay(_ request: RelayRequest, from address: IPAddress) async throws -> RelayAnswer {
    let name = try heard(address)
    guard let moment = pathProbes?.now else {
      throw Failure("'\(try member().mesh.site)' has only just started", .temporaryFailure)
    }
    return RelayAnswer(
      notes: try step { agent, _ in
        (try agent.exchange(notes: request.notes, from: name, monotonic: moment), [])
      }.result)
  }

  /// Goes by a relay with a site that goes too. One that cannot be asked learns of our choice at the relay.
  func ask(_ name: SiteName, for relay: SiteName) async {
    guard let site = agent?.linkedSite(name, at: Self.clock()), let client = client(of: site, timeout: 3)
    else { return }
    do {
      if let reason = try await client.goByRelay(relay).wait {
        return logger.debug("'\(name)' does not go by '\(relay)' yet: \(reason)")
      }
      try await move { .takeRelay(name, relay: relay, monotonic: $0) }
    } catch {
      logger.notice("going by relay '\(relay)': \(error)")
    }
  }

  /// The answer has so long to leave by the way that is left.
  private static let farewell = Duration.milliseconds(20)

  func exchangeRelayed(_ request: RelayedRequest, from address: IPAddress) async throws -> DirectAnswer {
    let name = try heard(address)
    guard try member().wouldTake(request.relay, to: name, at: Self.clock()) else {
      return DirectAnswer(wait: "it does not want that relay now")
    }
    Task {
      try await Task.sleep(for: Self.farewell)
      do {
        try await move { .takeRelay(name, relay: request.relay, monotonic: $0) }
      } catch {
        logger.error("going by relay '\(request.relay)': \(error)")
      }
    }
    return DirectAnswer(wait: nil)
  }

  /// Goes direct with a site that says that it sees the direct way work too.
  func askForDirect(_ name: SiteName) async {
    guard let site = agent?.linkedSite(name, at: Self.clock()), let client = client(of: site, timeout: 3)
    else {
      return
    }
    do {
      if let reason = try await client.goDirect().wait {
        return logger.debug("'\(name)' does not go direct yet: \(reason)")
      }
      try await leaveRelay(to: name)
    } catch {
      logger.notice("going direct: \(error)")
    }
  }

  func exchangeDirect(_ request: DirectRequest, from address: IPAddress) async throws -> DirectAnswer {
    let name = try heard(address)
    guard let site = try member().linkedSite(name, at: Self.clock()), try member().relay(to: site) != nil
    else {
      return DirectAnswer(wait: nil)
    }
    guard pathStates[name]?[.wireguard]?.isUp == true else {
      return DirectAnswer(wait: "nothing comes to it by the direct way")
    }
    Task { await follow(site) }
    return DirectAnswer(wait: nil)
  }

  /// How long, and how often, to look whether a peer that has asked sends by the direct way now.
  private static let watch = (time: Duration.seconds(5), interval: Duration.milliseconds(50))
  /// More than keepalives (32 bytes each) and a handshake (148) bring in that time.
  private static let traffic: UInt64 = 240

  /// Follows a peer to the direct way as soon as its packets come by it.
  private func follow(_ site: Site) async {
    let end = ContinuousClock.now + Self.watch.time
    do {
      guard let before = try await directBytes(of: [site])[site.name] ?? nil else { return }
      while ContinuousClock.now < end, !isDown {
        try await Task.sleep(for: Self.watch.interval)
        guard let received = try await directBytes(of: [site])[site.name] ?? nil else { return }
        if received >= before + Self.traffic { return try await leaveRelay(to: site.name) }
      }
    } catch {
      logger.error("going direct: \(error)")
    }
  }

  private func leaveRelay(to name: SiteName) async throws {
    try await move { .leaveRelay(name, monotonic: $0) }
  }

  /// Takes another path at this moment.
  private func move(_ event: (Duration) -> Agent.Event) async throws {
    guard let moment = pathProbes?.now else { return }
    let now = Self.clock()
    var next = try member()
    let effects = try next.handle(event(moment), at: now)
    guard !effects.isEmpty else { return }
    try commit(next, effects, at: now)
    // The other planes can wait, each moment between the two ends is lost for calls.
    await moveAddresses()
    _ = await carryOut(effects).value
  }

  /// Whether the direct way works to the sites behind a relay.
  func lookAtDirectTraffic() async {
    guard let agent, let probes = pathProbes else { return }
    let sites = agent.relayedSites(at: Self.clock())
    guard !sites.isEmpty else {
      directStates = [:]
      return
    }
    do {
      directStates = directTraffic.update(received: try await directBytes(of: sites), at: probes.now)
      await selectPaths()
    } catch {
      logger.debug("direct traffic: \(error)")
    }
  }

  /// What has come from the own keys of these sites; nil for one without valid session keys.
  private func directBytes(of sites: [Site]) async throws -> [SiteName: UInt64?] {
    let tunnel = try await openPlanes().tunnel.observe(interface: configuration.tunnel.interface)
    let now = Self.clock()
    return sites.reduce(into: [:]) { bytes, site in
      let peer = site.descriptor.flatMap { tunnel?.peer(of: $0.wireguard) }
      bytes.updateValue(peer?.hasKeys(at: now) == true ? peer?.receivedBytes : nil, forKey: site.name)
    }
  }
}
