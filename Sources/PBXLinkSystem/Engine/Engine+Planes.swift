// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine {
  /// The planes of this configuration; the tunnel's implementation is chosen once.
  func openPlanes() async throws -> Planes {
    if let planes { return planes }
    let choice = try await TunnelBackends.choose(configuration.tunnel.backend)
    backendReason = choice.reason
    journal(JournalEntry(.tunnelBackendChosen, "tunnel backend \(choice.backend.name): \(choice.reason)"))
    let planes = Planes(
      interface: configuration.tunnel.interface, tunnel: choice.backend, firewall: Nftables(),
      trunk: AsteriskTrunkPlane(
        installation: AsteriskInstallation(
          configurationDirectory: configuration.asterisk.configurationDirectory)))
    self.planes = planes
    return planes
  }

  /// Brings the planes to the desired state, one such run after the other.
  @discardableResult
  func reconcile(isRemoving: Bool = false) async -> Planes.Report {
    let previous = reconciliation
    let task = Task {
      _ = await previous?.value
      return await self.reconcileOnce(isRemoving: isRemoving)
    }
    reconciliation = task
    return await task.value
  }

  private func reconcileOnce(isRemoving: Bool) async -> Planes.Report {
    guard let agent, !isDown else { return Planes.Report() }
    let now = Self.clock()
    var report = Planes.Report()
    do {
      try checkClock(now)
      report = await (try openPlanes()).apply(
        try agent.desiredState(at: now), isRemoving: isRemoving, at: now)
    } catch {
      report.failures.append((.tunnel, String(describing: error)))
    }
    for step in report.steps { journal(JournalEntry(.planApplied, "\(step.plane): \(step.change)")) }
    let known = Set(lastReport.failures.map(\.error))
    for failure in report.failures where !known.contains(failure.error) {
      journal(JournalEntry(.planeFailed, "\(failure.plane.rawValue): \(failure.error)"))
    }
    lastReport = report
    serveExchange()
    return report
  }

  /// A handshake stamped in the future locks its key out until the clock gets there (the responder keeps the
  /// highest TAI64N stamp per key), so a clock that has run back must be put right first.
  func checkClock(_ now: Timestamp) throws {
    guard now + 60 < highestTime else { return }
    throw Failure(
      "The clock says \(now), but \(highestTime) was seen before. Links stay as they are until the clock is right; "
        + "check 'timedatectl'.", .osError)
  }

  /// Ends the calls with a site.
  func hangUp(_ site: SiteName) async {
    do {
      let channels = try await (try openPlanes()).trunk.hangUp(site)
      if !channels.isEmpty {
        journal(JournalEntry(.callsEnded, site: site, "calls ended: \(channels.joined(separator: ", "))"))
      }
    } catch {
      journal(JournalEntry(.planeFailed, site: site, "calls with '\(site)' could not be ended: \(error)"))
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
        try await server.run()
      } catch {
        logger.error("exchange: cannot serve on \(address): \(error)")
      }
      exchange = nil
    }
  }
}
