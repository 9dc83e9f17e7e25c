// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

/// The three things outside that are kept in the desired state.
struct Planes: Sendable {
  let interface: String
  let tunnel: any TunnelBackend
  let openVPN: OpenVPNPlane
  let firewall: Nftables
  let trunk: AsteriskTrunkPlane

  /// The planes by name, for people.
  enum Name: String, Sendable { case tunnel, openvpn, firewall, trunk }

  /// What a look at the planes, or a change of them, has come to.
  struct Report: Sendable {
    /// What was changed, or would be.
    var steps: [Plan.Step] = []
    /// What is not done yet, because calls would hear it.
    var waiting: [Plan.Step] = []
    /// What went wrong, by plane; the others were still done.
    var failures: [(plane: Name, error: String)] = []
    /// The tunnel's peers before our key was changed; nil when it was not.
    var formerPeers: [PublicKey: ObservedTunnel.Peer]?
    /// What the tunnel looked like at the end.
    var tunnel: ObservedTunnel?
    /// What the OpenVPN paths looked like at the end.
    var openVPN: ObservedOpenVPN?
    /// Whether peers are left whose turn to be removed comes in the next run.
    var hasRemovalsLeft = false
    /// Which changes wait for calls to end.
    var held = Held()
    /// What Asterisk said at the end.
    var trunk: ObservedTrunk?

    mutating func take(_ done: [Plan.Step], waiting: [Plan.Step]) {
      steps += done
      self.waiting += waiting
    }

    var plan: Plan {
      Plan(steps: steps, unknown: failures.map { "\($0.plane.rawValue): \($0.error)" })
    }
  }

  /// The changes that wait for calls to end.
  struct Held: Sendable {
    var tunnel = HeldChanges()
    var openVPN = HeldChanges()
  }

  /// The order in which planes change: the wall stands before there is anything behind it, and a site that goes
  /// is cut off by it first, however long Asterisk takes.
  private static let order = [Name.firewall, .tunnel, .openvpn, .trunk]

  /// What would change to reach a state.
  func plan(_ desired: DesiredState, at now: Timestamp) async -> Report {
    var report = Report()
    for plane in Self.order {
      await attempt(plane, &report) { report in
        switch plane {
        case .tunnel:
          report.tunnel = try await tunnel.observe(interface: interface)
          report.steps += changes(from: report.tunnel, to: desired.tunnel, at: now).map { step($0, plane) }
        case .openvpn:
          let observed = try await openVPN.observe()
          report.openVPN = observed
          report.steps += changes(from: observed, to: desired.openVPN).map { step($0, plane) }
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

  /// Changes what differs from a state, each plane as far as it gets. Without the firewall, and for WireGuard
  /// while the clock is behind, nobody gets in who was not: only what takes a site away is done.
  func apply(
    _ desired: DesiredState, clockIsRight: Bool, holding held: Held, at now: Timestamp
  ) async -> Report {
    var report = Report()
    report.held = held
    for plane in Self.order {
      let hasWall = !report.failures.contains { $0.plane == .firewall }
      await attempt(plane, &report) { report in
        switch plane {
        case .tunnel:
          let before = try await tunnel.observe(interface: interface)
          let wanted = changes(from: before, to: desired.tunnel, at: now).filter {
            hasWall && clockIsRight || $0.takesPeerAway
          }
          let calls = await calls(disruptedBy: wanted)
          let (due, waiting) = report.held.tunnel.select(wanted, at: now) { change in
            calls(Set(change.disruptedPeers.flatMap { desired.sites[$0] ?? [] }))
          }
          try await tunnel.apply(due, to: desired.tunnel)
          if due.contains(where: \.setsKey) { report.formerPeers = before?.peers }
          report.take(due.map { step($0, plane) }, waiting: waiting.map { step($0, plane) })
          let observed = due.isEmpty ? before : try await tunnel.observe(interface: interface)
          report.tunnel = observed
          report.hasRemovalsLeft =
            due.contains(where: \.takesPeerAway)
            && changes(from: observed, to: desired.tunnel, at: now).contains(where: \.takesPeerAway)
        case .openvpn:
          let before = try await openVPN.observe()
          let wanted = changes(from: before, to: desired.openVPN).filter { hasWall || $0.takesPeerAway }
          let calls = await calls(disruptedBy: wanted)
          let (due, waiting) = report.held.openVPN.select(wanted, at: now) { change in
            calls(Set(desired.openVPN.links.filter { $0.isInUse && change.disrupts($0) }.map(\.site)))
          }
          try await openVPN.apply(due, to: desired.openVPN)
          report.take(due.map { step($0, plane) }, waiting: waiting.map { step($0, plane) })
          report.openVPN = due.isEmpty ? before : try await openVPN.observe()
        case .firewall:
          report.steps += try await firewall.apply(desired.firewall).map(step)
        case .trunk:
          let known = hasWall ? [] : try await trunk.observe().sites
          let wanted = hasWall ? desired.trunk : desired.trunk.keepingPeers { known.contains($0.site) }
          let (made, observed) = try await trunk.applyAndObserve(wanted)
          report.steps += made.map(step)
          report.trunk = observed
        }
      }
    }
    return report
  }

  /// How many calls there are with some sites, if any change would be heard. What Asterisk does not tell counts
  /// as a call: the change then waits for its deadline.
  private func calls(disruptedBy changes: [some DisruptiveChange]) async -> (Set<SiteName>) -> Int {
    guard changes.contains(where: { $0.expectedGap.isAudible }) else { return { _ in 0 } }
    do {
      guard try await trunk.observe().isRunning else { return { _ in 0 } }
      let live = try await trunk.liveCalls()
      return { sites in sites.reduce(0) { $0 + (live[$1] ?? 0) } }
    } catch {
      return { _ in 1 }
    }
  }

  /// Takes everything of ours away: trunks first, so that no call starts on a link that is going.
  func remove() async -> Report {
    var report = Report()
    for plane in [Name.trunk, .firewall, .openvpn, .tunnel] {
      await attempt(plane, &report) { report in
        switch plane {
        case .trunk: try await trunk.remove()
        case .firewall: try await firewall.remove()
        case .openvpn: try await openVPN.remove()
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

  private func step(_ change: some DisruptiveChange, _ plane: Name) -> Plan.Step {
    Plan.Step(plane: plane.rawValue, change: change.description, expectedGap: change.expectedGap.seconds)
  }

  private func step(_ change: FirewallChange) -> Plan.Step {
    Plan.Step(plane: Name.firewall.rawValue, change: change.description)
  }

  private func step(_ change: TrunkChange) -> Plan.Step {
    Plan.Step(plane: Name.trunk.rawValue, change: change.description)
  }
}
