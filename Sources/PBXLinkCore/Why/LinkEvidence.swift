// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a look at the host shows of one site's link.
public struct LinkEvidence: Sendable {
  /// Where the kernel would send a packet.
  public enum Route: Hashable, Sendable {
    /// Through this interface.
    case interface(String)
    /// Nowhere: there is no route, or one that says `unreachable`.
    case none
  }

  /// The WireGuard interface; nil when there is none.
  public var tunnel: Look<ObservedTunnel?>
  /// The OpenVPN links.
  public var openVPN: Look<ObservedOpenVPN>
  /// The route to the site's IPv4 tunnel address; nil for a site without one.
  public var route: Look<Route>?
  /// Our nftables table; nil when there is none.
  public var firewall: Look<ObservedFirewall?>
  /// What the table has counted; nil where it cannot be told.
  public var counters: FirewallCounters?
  /// Asterisk and our files there.
  public var trunk: Look<ObservedTrunk>
  /// Calls with the site now.
  public var calls: Look<Int>
  /// The last test call; nil where none was placed.
  public var testCall = Look<TestCall?>.seen(nil)
  /// What the probes of its paths show.
  public var paths: [TunnelPath: PathState]
  /// What they have measured within the last minute.
  public var figures: [TunnelPath: LinkFigures]
  /// Why the clock cannot be trusted.
  public var clockProblem: String?
  /// Whether 'pbxlink down' took the links away.
  public var isDown: Bool
  /// What went wrong when each plane was last changed, by its name.
  public var failures: [String: String]
  /// What waits until no call would hear it, by the plane's name.
  public var waiting: Set<String>

  /// What was found.
  public init(
    tunnel: Look<ObservedTunnel?>, openVPN: Look<ObservedOpenVPN>, route: Look<Route>?,
    firewall: Look<ObservedFirewall?>, counters: FirewallCounters?, trunk: Look<ObservedTrunk>,
    calls: Look<Int>, paths: [TunnelPath: PathState] = [:], figures: [TunnelPath: LinkFigures] = [:],
    clockProblem: String? = nil, isDown: Bool = false,
    failures: [String: String] = [:], waiting: Set<String> = []
  ) {
    self.tunnel = tunnel
    self.openVPN = openVPN
    self.route = route
    self.firewall = firewall
    self.counters = counters
    self.trunk = trunk
    self.calls = calls
    self.paths = paths
    self.figures = figures
    self.clockProblem = clockProblem
    self.isDown = isDown
    self.failures = failures
    self.waiting = waiting
  }

  /// The finding where a plane does not have what is wanted of it: the agent puts that right by itself unless
  /// something hinders it.
  func differing(_ layer: LinkDiagnosis.Layer, _ plane: String, _ changes: [String]) -> LinkDiagnosis.Finding
  {
    let more = changes.count > 2 ? ", and \(changes.count - 2) more" : ""
    let found = "not as wanted; to do: " + changes.prefix(2).joined(separator: "; ") + more
    if let failure = failures[plane] {
      return .wrong(layer, "\(found). It failed: \(failure)", do: "Put that right, then run 'pbxlink apply'.")
    }
    return .wrong(
      layer, found,
      do: waiting.contains(plane)
        ? "It waits until no call would hear it, ten minutes at most; 'pbxlink plan' shows it."
        : "The agent does this within 10 s. If it comes back, someone else changes it: see the agent's log.")
  }
}
