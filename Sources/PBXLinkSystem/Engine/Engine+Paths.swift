// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine {
  /// Lets the agent choose the paths by what the probes show.
  func selectPaths() async {
    guard let probes = pathProbes else { return }
    let probed = await probes.states
    let moment = probes.now
    let direct = directStates
    let choices = agent?.relayChoices
    defer {
      if let agent, agent.relayChoices != choices { relaysWanted.continuation.yield() }
      notePathStates(probed, at: moment)
      noteOutages()
      noteLinkStates()
      Task { await renewKnownStatus() }
    }
    guard agent != nil, !isDown, !isJoining, !probed.isEmpty else { return }
    do {
      try step { agent, now in
        ((), try agent.handle(.paths(probed, direct: direct, monotonic: moment), at: now))
      }
    } catch {
      logger.error("paths: \(error)")
    }
  }

  /// What the probes show now; the agent has heard of each change, and not of each answer.
  func lookAtPaths() async {
    guard let probes = pathProbes else { return }
    notePathStates(await probes.states, at: probes.now)
  }

  /// After the choice: what the probes of WireGuard show depends on whether a relay is in use.
  private func notePathStates(_ probed: [SiteName: [TunnelPath: PathState]], at moment: Duration) {
    pathStates = (agent?.linkedSites(at: Self.clock()) ?? []).reduce(into: [:]) { states, site in
      states[site.name] = agent?.pathStates(
        to: site, probed: probed[site.name] ?? [:], direct: directStates[site.name], at: moment)
    }
  }

  /// Lets the tunnels' MTU follow from the interfaces that their packets leave by.
  func lookAtUnderlay() async {
    guard let agent, agent.configuration.tunnel.mtu == nil else { return }
    let now = Self.clock()
    let announced = agent.endpointAddresses(at: now)
    let learned = (lastReport.tunnel?.peers.values.compactMap(\.endpoint?.address)) ?? []
    do {
      guard let mtu = try await UnderlayMTU.smallest(towards: announced.union(learned)) else { return }
      // What follows from it is computed by the look that asks.
      try step { agent, now in
        _ = try agent.handle(.underlay(mtu: mtu), at: now)
        return ((), [])
      }
    } catch {
      logger.error("underlay: \(error)")
    }
  }
}

extension Engine {
  /// What keeps paths from being probed, one sentence each.
  func probeProblems() async -> [String] {
    (await pathProbes?.failures ?? [:]).sorted { $0.key < $1.key }.map { "probes on \($0.key): \($0.value)" }
  }
}
