// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

/// The three things outside that are kept in the desired state.
struct Planes: Sendable {
  let interface: String
  let tunnel: any TunnelBackend
  let firewall: Nftables
  let trunk: AsteriskTrunkPlane

  /// The planes by name, for people.
  enum Name: String, Sendable { case tunnel, firewall, trunk }

  /// What a look at the planes, or a change of them, has come to.
  struct Report: Sendable {
    /// What was changed, or would be.
    var steps: [Plan.Step] = []
    /// What went wrong, by plane; the others were still done.
    var failures: [(plane: Name, error: String)] = []
    /// What the tunnel looked like at the end.
    var tunnel: ObservedTunnel?
    /// What Asterisk said at the end.
    var trunk: ObservedTrunk?

    var plan: Plan {
      Plan(steps: steps, unknown: failures.map { "\($0.plane.rawValue): \($0.error)" })
    }
  }

  /// The order in which planes change: the wall stands before there is anything behind it, and a site that goes
  /// is cut off by it first, however long Asterisk takes.
  private static let order = [Name.firewall, .tunnel, .trunk]

  /// What would change to reach a state.
  func plan(_ desired: DesiredState, at now: Timestamp) async -> Report {
    var report = Report()
    for plane in Self.order {
      await attempt(plane, &report) { report in
        switch plane {
        case .tunnel:
          report.tunnel = try await tunnel.observe(interface: interface)
          report.steps += changes(from: report.tunnel, to: desired.tunnel, at: now).map(step)
        case .firewall:
          report.steps += changes(from: try await firewall.observe(), to: desired.firewall).map(step)
        case .trunk:
          let observed = try await trunk.observe()
          report.trunk = observed
          report.steps += changes(from: observed, to: desired.trunk).map(step)
        }
      }
    }
    return report
  }

  /// Changes what differs from a state, each plane as far as it gets. Without the firewall, and for the tunnel
  /// while the clock is behind, nobody gets in who was not: only what takes a site away is done.
  func apply(_ desired: DesiredState, clockIsRight: Bool, at now: Timestamp) async -> Report {
    var report = Report()
    for plane in Self.order {
      let hasWall = !report.failures.contains { $0.plane == .firewall }
      await attempt(plane, &report) { report in
        switch plane {
        case .tunnel:
          let steps = changes(
            from: try await tunnel.observe(interface: interface), to: desired.tunnel, at: now
          ).filter { hasWall && clockIsRight || $0.takesPeerAway }
          try await tunnel.apply(steps, to: desired.tunnel)
          report.steps += steps.map(step)
          report.tunnel = try await tunnel.observe(interface: interface)
        case .firewall:
          report.steps += try await firewall.apply(desired.firewall).map(step)
        case .trunk:
          let known = hasWall ? [] : try await trunk.observe().sites
          let wanted = hasWall ? desired.trunk : desired.trunk.keepingPeers { known.contains($0.site) }
          report.steps += try await trunk.apply(wanted).map(step)
          report.trunk = try await trunk.observe()
        }
      }
    }
    return report
  }

  /// Takes everything of ours away: trunks first, so that no call starts on a link that is going.
  func remove() async -> Report {
    var report = Report()
    for plane in [Name.trunk, .firewall, .tunnel] {
      await attempt(plane, &report) { report in
        switch plane {
        case .trunk: try await trunk.remove()
        case .firewall: try await firewall.remove()
        case .tunnel: try await tunnel.remove(interface: interface)
        }
        report.steps.append(Plan.Step(plane: plane.rawValue, change: "removed"))
      }
    }
    return report
  }

  private func attempt(
    _ plane: Name, _ report: inout Report, _ body: (inout Report) async throws -> Void
  ) async {
    do {
      try await body(&report)
    } catch {
      report.failures.append((plane, String(describing: error)))
    }
  }

  private func step(_ change: TunnelChange) -> Plan.Step {
    Plan.Step(
      plane: Name.tunnel.rawValue, change: change.description, expectedGap: change.expectedGap.seconds)
  }

  private func step(_ change: FirewallChange) -> Plan.Step {
    Plan.Step(plane: Name.firewall.rawValue, change: change.description)
  }

  private func step(_ change: TrunkChange) -> Plan.Step {
    Plan.Step(plane: Name.trunk.rawValue, change: change.description)
  }
}
