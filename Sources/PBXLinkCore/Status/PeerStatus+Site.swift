// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension PeerStatus {
  /// The status of a member from what the planes show.
  public init(
    _ site: Site, isDisabled: Bool, tunnel: ObservedTunnel.Peer?, paths: LinkPaths = LinkPaths(),
    trunk: QualifyStatus?, testCall: TestCall? = nil, areCallsRefused: Bool = false, calls: Int,
    callLimit: Int, canBeReached: Bool, at now: Timestamp
  ) {
    let probed = paths.states[paths.inUse]
    let isFresh =
      probed.map { $0.isUp || $0.isOnlyAgentSilent || $0.condition == .unknown }
      ?? (paths.inUse == .wireguard)
      && (paths.inUse != .wireguard || tunnel?.takesPackets(at: now) ?? false)
    let state: State =
      if site.conflict != nil {
        .conflict
      } else if isDisabled {
        .disabled
      } else if site.descriptor == nil {
        .pending
      } else if !isFresh {
        .down
      } else if trunk?.isReachable != true || probed?.asterisk.isSilent == true {
        .trunkDown
      } else if areCallsRefused {
        .callsRefused
      } else if calls >= callLimit {
        .full
      } else {
        paths.isDegraded ? .degraded : .up
      }
    let quality = paths.quality
    self.init(
      name: site.name.description, state: state, path: Self.path(paths, tunnel), paths: paths.statuses,
      roundTrip: quality?.meanRoundTrip ?? trunk?.roundTrip, lossTransmit: quality?.transmit.lossRatio,
      lossReceive: quality?.receive.lossRatio,
      jitter: [quality?.transmit.jitter, quality?.receive.jitter].compactMap(\.self).max(),
      mos: [quality?.transmit.mos, quality?.receive.mos].compactMap(\.self).min(),
      lastHandshake: (tunnel?.lastHandshake).map(RFC3339.init),
      received: Self.sum(tunnel?.receivedBytes, paths.openVPN?.receivedBytes),
      sent: Self.sum(tunnel?.sentBytes, paths.openVPN?.sentBytes), calls: calls,
      callLimit: site.descriptor == nil ? nil : callLimit, trunk: trunk?.description,
      testCall: testCall, extensions: site.extensions.map(\.description),
      addresses: site.membership.addresses.map(\.description),
      advice: Self.remedy(for: state, site, trunk, canBeReached: canBeReached, probed)
        ?? ([.up, .degraded].contains(state)
          ? quality?.advice ?? Self.remedy(for: paths) ?? paths.mtuAdvice : nil))
  }

  /// The status of a site that has not used its invitation yet.
  public init(invited invitation: PendingInvitation) {
    self.init(
      name: invitation.site.description, state: .invited, path: nil, paths: [], roundTrip: nil,
      lossTransmit: nil, lossReceive: nil, jitter: nil, mos: nil, lastHandshake: nil,
      received: nil, sent: nil, calls: 0, callLimit: nil, trunk: nil,
      extensions: invitation.extensions.map(\.description),
      addresses: invitation.addresses.map(\.description),
      advice: "Run the 'pbxlink join' command there before \(invitation.expires).")
  }

  /// Of what is known; nil when nothing is.
  private static func sum(_ counts: UInt64?...) -> UInt64? {
    let known = counts.compactMap(\.self)
    return known.isEmpty ? nil : known.reduce(0, +)
  }

  private static func path(_ paths: LinkPaths, _ tunnel: ObservedTunnel.Peer?) -> String? {
    switch paths.inUse {
    case .wireguard: tunnel?.endpoint.map { "wireguard \($0)" }
    case .openvpnTCP: paths.inUse.rawValue
    case .relay: paths.relay.map { "relay \($0)" }
    }
  }

  /// What to do when no further call gets through.
  static let fullAdvice =
    "As many calls as may be are up: wait for one to end, or raise 'trunk: call_limit:' at both sites, of which the "
    + "lower one counts."

  /// What keeps a link that is up from being as safe as it could be.
  private static func remedy(for paths: LinkPaths) -> String? {
    if paths.hasLeftPoorPath {
      return "Calls go by a relay, since they sounded poor by the direct way (tried each five minutes): "
        + "look at the Internet lines of both sites."
    }
    if paths.isDegraded { return LinkPaths.degradedAdvice }
    guard let failed = paths.offered.first(where: { paths.states[$0]?.condition == .down }) else {
      return nil
    }
    if paths.inUse == .relay {
      return "Calls go by a relay, since neither site reaches the other: a public endpoint at one of them "
        + "('tunnel: endpoints:') would shorten their way."
    }
    let port = failed == .wireguard ? "its UDP port" : "TCP port 443, or the one it has instead,"
    let reason = failed == .openvpnTCP ? paths.openVPNProblem.map { " (\($0))" } ?? "" : ""
    let check = "check that \(port) is let through."
    guard failed != paths.inUse else {
      return
        "Probes by \(failed.rawValue), which calls go by, get no answer\(reason): check that its agent runs and is not "
        + "of an older version, which may not answer them."
    }
    return paths.offered.firstIndex(of: failed) == 0
      ? "Calls go by \(paths.inUse.rawValue), since \(failed.rawValue) does not answer\(reason): \(check)"
      : "\(failed.rawValue) does not answer\(reason) and could not take over if \(paths.inUse.rawValue) failed: \(check)"
  }

  /// What to do about a link in this state; nil when nothing is to be done.
  static func remedy(
    for state: State, _ site: Site, _ trunk: QualifyStatus?, canBeReached: Bool, _ probed: PathState? = nil
  ) -> String? {
    switch state {
    case .up, .degraded, .disabled, .invited: nil
    case .full: fullAdvice
    case .callsRefused: TestCall.advice
    case .pending:
      "Its agent has not announced itself: run 'pbxlink join' there again with the same invitation or answer."
    case .conflict: site.conflict
    case .trunkDown:
      switch trunk {
      case nil: "Asterisk here has no peer for it: see 'pbxlink plan' and 'pbxlink doctor'."
      case let trunk? where trunk.roundTrip != nil && !trunk.isReachable:
        "Asterisk over there answers too slowly for calls: look at the lines of both sites."
      default: "Asterisk over there does not answer through the tunnel: run 'pbxlink doctor' there."
      }
    case .down where probed?.isHeard == true:
      "Its packets come here and ours do not get there: look for a firewall or a line that lets one direction through."
    case .down where site.descriptor?.wireguard.endpoints.isEmpty == true && !canBeReached:
      "Neither side has a public endpoint: set 'tunnel: endpoints:' on one of them, or let a site that both reach "
        + "relay ('pbxlink grant SITE --relay')."
    case .down where site.descriptor?.wireguard.endpoints.isEmpty == true:
      "It is behind NAT and has not called in: check that its agent runs and that our UDP port is open."
    case .down:
      "Nothing comes from there: check its Internet line and server, that its agent runs and its UDP port is open."
    }
  }
}
