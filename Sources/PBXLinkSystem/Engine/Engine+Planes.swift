// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine {
  /// The planes of this configuration; the tunnel's implementation is chosen once.
  func openPlanes() async throws -> Planes {
    if let planes { return planes }
    let choice: TunnelBackends.Choice
    do {
      choice = try await TunnelBackends.choose(configuration.tunnel.backend)
    } catch let error as KernelError {
      // Not kept: it may be installed any moment.
      return try makePlanes(MissingTunnel(reason: error))
    }
    if let planes { return planes }
    backendReason = choice.reason
    journal(JournalEntry(.tunnelBackendChosen, "tunnel backend \(choice.backend.name): \(choice.reason)"))
    let planes = try makePlanes(choice.backend)
    self.planes = planes
    return planes
  }

  private func makePlanes(_ tunnel: any TunnelBackend) throws -> Planes {
    Planes(
      interface: configuration.tunnel.interface, tunnel: tunnel,
      openVPN: try OpenVPNPlane(configuration), firewall: Nftables(),
      trunk: AsteriskTrunkPlane(
        installation: AsteriskInstallation(
          configurationDirectory: configuration.asterisk.configurationDirectory)))
  }

  /// Brings the planes to the desired state, one such run after the other.
  @discardableResult
  func reconcile() async -> Planes.Report { await inTurn { await self.reconcileOnce() } }

  /// Runs something that changes the planes after all that was asked for before.
  func inTurn(_ body: @escaping @Sendable () async -> Planes.Report) async -> Planes.Report {
    let previous = reconciliation
    let task = Task {
      _ = await previous?.value
      return await body()
    }
    reconciliation = task
    return await task.value
  }

  private func reconcileOnce() async -> Planes.Report {
    guard agent != nil, !isDown, !isJoining else { return Planes.Report() }
    let now = Self.clock()
    var report = Planes.Report()
    var applying: Agent?
    do {
      let clockError = clockError(now)
      let planes = try await openPlanes()
      await lookAtUnderlay()
      await adoptPaths(planes, at: now)
      guard let agent else { return report }
      applying = agent
      let desired = try agent.desiredState(at: now)
      report = await planes.apply(
        desired, clockIsRight: clockError == nil, holding: lastReport.held, at: now)
      lastWarnings = warnings(desired, report)
      if let clockError { report.failures.append((.tunnel, clockError.message)) }
      let unreachable = agent.linkedSites(at: now).filter { site in
        site.descriptor.flatMap { report.tunnel?.peer(of: $0.wireguard) }.map { $0.endpoint == nil } ?? false
      }
      await pathProbes?.set(agent.configuration.detection.timing)
      await pathProbes?.watch(
        agent.probedPaths(at: now), unreachable: Set(unreachable.map(\.name)), mtu: agent.tunnelMTU,
        standards: agent.callStandards(at: now))
      if report.hasRemovalsLeft { reconcileSoon() }
    } catch {
      report.failures.append((.tunnel, String(describing: error)))
    }
    for step in report.steps { journal(JournalEntry(.planApplied, "\(step.plane): \(step.change)")) }
    for step in report.waiting where !lastReport.waiting.contains(step) {
      journal(
        JournalEntry(.planHeld, "\(step.plane): \(step.change): waits until no call would hear it"))
    }
    let known = Set(lastReport.failures.map(\.error))
    for failure in report.failures where !known.contains(failure.error) {
      journal(JournalEntry(.planeFailed, "\(failure.plane.rawValue): \(failure.error)"))
    }
    lastReport = report
    hasLooked = true
    if let former = report.formerPeers { formerPeers = former }
    noteLinks(at: now)
    serveExchange()
    if let agent = applying, report.failures.isEmpty { noteApplied(agent) }
    return report
  }

  /// A tunnel as it was observed, with what is known of our own key besides.
  func marked(_ tunnel: ObservedTunnel?) -> ObservedTunnel? {
    var tunnel = tunnel
    tunnel?.markFormerKey(since: formerPeers)
    return tunnel
  }

  /// Tells the agent which links work.
  private func noteLinks(at now: Timestamp) {
    guard let agent else { return }
    let tunnel = marked(lastReport.tunnel)
    let up = agent.linkedSites(at: now).filter { site in
      let path = agent.path(to: site)
      return path == .wireguard
        ? site.descriptor.flatMap { tunnel?.peer(of: $0.wireguard) }?.takesPackets(at: now) == true
        : pathStates[site.name]?[path]?.isUp == true
    }
    let names = Set(up.map(\.name))
    let risen = names.subtracting(agent.linksUp)
    if !risen.isEmpty { Task { await pathProbes?.hurry(risen) } }
    do {
      try step { agent, now in ((), try agent.handle(.linksUp(names), at: now)) }
    } catch {
      logger.error("links: \(error)")
    }
  }

  /// After a start, what the routes show decides which paths are in use.
  private func adoptPaths(_ planes: Planes, at now: Timestamp) async {
    guard agent?.lacksPaths(at: now) == true else { return }
    do {
      let tunnel = try await planes.tunnel.observe(interface: configuration.tunnel.interface)
      let routed = try await planes.openVPN.observe().routedInterfaces
      agent?.adoptPaths(routed: routed, tunnel: tunnel, monotonic: pathProbes?.now ?? .zero, at: now)
    } catch {
      // Told by the plane's own look, which changes nothing then; the next one tries again.
      logger.debug("paths in use: \(error)")
    }
  }

  /// Peers that wait for their removal have their turn in a second, not at the next look.
  private func reconcileSoon() {
    Task {
      try await Task.sleep(for: .seconds(1))
      await reconcile()
    }
  }

  /// A clock that the other sites contradict must not lock us out when it is put right.
  func raiseHighestTime(to now: Timestamp) {
    if agent?.clockDeviation(at: now) == nil { highestTime = max(highestTime, now) }
  }

  /// A handshake stamped in the future locks its key out until the clock gets there (the responder keeps the
  /// highest TAI64N stamp per key), so a clock that has run back must be put right first.
  func clockError(_ now: Timestamp) -> Failure? {
    guard now + 60 < highestTime else { return nil }
    return Failure(
      "The clock says \(now), but \(highestTime) was seen before: tunnels stay as they are. Check 'timedatectl'; if "
        + "the clock is right now and was wrong then, run 'pbxlink apply --accept-clock'.", .osError)
  }

  /// Ends the calls with a site; gives what went wrong.
  func hangUp(_ site: SiteName) async -> String? {
    do {
      let channels = try await (try openPlanes()).trunk.hangUp(site)
      if !channels.isEmpty {
        journal(JournalEntry(.callsEnded, site: site, "calls ended: \(channels.joined(separator: ", "))"))
      }
      return nil
    } catch {
      let text = "calls with '\(site)' could not be ended: \(error)"
      journal(JournalEntry(.planeFailed, site: site, text))
      return text
    }
  }

  /// Serves the exchange on our tunnel address once there is one.
  func serveExchange() {
    guard exchange == nil, !isDown, let agent, lastReport.tunnel != nil,
      let address = agent.ownSite(at: Self.clock())?.membership.addresses.first
    else { return }
    let server = ExchangeServer(
      address: address, port: configuration.exchangePort, delegate: self, logger: logger)
    exchange = Task {
      do {
        exchangeProblem = nil
        try await server.run()
      } catch is CancellationError {
      } catch {
        exchangeProblem =
          "exchange: cannot serve on \(address), TCP port \(server.port): \(error); other sites cannot reach us"
      }
      exchange = nil
    }
  }
}
