// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// From what is wanted of a link to the packets on it. Of this site itself, only what all links share.
struct TunnelLayers {
  let site: Site
  let agent: Agent
  let desired: DesiredState
  let evidence: LinkEvidence
  let now: Timestamp

  private var isOwn: Bool { site.identity == agent.identity }
  private var wireGuard: Descriptor.WireGuard? { isOwn ? nil : site.descriptor?.wireguard }
  private var paths: [TunnelPath] { agent.paths(to: site) }

  /// Whether there should be a link at all.
  var isLinkWanted: Bool {
    guard !evidence.isDown, !agent.isRevoked else { return false }
    return isOwn || agent.linkedSites(at: now).contains { $0.identity == site.identity }
  }

  var desiredState: LinkDiagnosis.Finding {
    if agent.isRevoked {
      return .wrong(
        .desired, "no links at all: the authority has revoked this site itself",
        do: "Run 'pbxlink uninstall' here and join anew.")
    }
    if evidence.isDown {
      return .wrong(
        .desired, "no links at all: 'pbxlink down' was run here",
        do: "Run 'pbxlink apply' to bring them back.")
    }
    guard !isOwn else {
      let count = agent.linkedSites(at: now).count
      return .ok(.desired, "links to \(count) site\(count == 1 ? "" : "s")")
    }
    guard isLinkWanted else {
      return .wrong(
        .desired, "no link: it announces this site's own tunnel key",
        do:
          "One of the two was copied from the other: give it keys of its own ('pbxlink uninstall', then join)."
      )
    }
    if let problem = desired.problems.first(where: { $0.contains("'\(site.name)'") }) {
      return .wrong(.desired, problem, do: "See that both sites run the same release of pbxlink.")
    }
    let endpoints = site.descriptor?.wireguard.endpoints ?? []
    let peer = desired.tunnel.peers.first { $0.publicKey == wireGuard?.publicKey }
    if paths.contains(.wireguard), !endpoints.isEmpty, peer?.endpoint == nil {
      return .wrong(
        .desired, "none of its endpoints \(list(endpoints)) could be looked up",
        do: "See that this server's DNS works ('getent hosts NAME') and that the name exists.")
    }
    return .ok(.desired, [wantedPeer(peer), wantedPath].joined(separator: "; "))
  }

  private func wantedPeer(_ peer: TunnelPeer?) -> String {
    let endpoints = site.descriptor?.wireguard.endpoints ?? []
    guard let peer else { return "a link without WireGuard" }
    let announced = endpoints.isEmpty ? "" : " of \(list(endpoints))"
    let reached = peer.endpoint.map { "tries \($0)\(announced)" } ?? "waits for it to call in"
    return "peer \(peer.publicKey.wireGuardText), "
      + peer.allowedIPs.sorted().map(\.description).joined(separator: " ") + ", \(reached)"
  }

  private var wantedPath: String {
    let path = agent.path(to: site)
    guard paths.count > 1 else { return "path \(path.rawValue), the only one" }
    let why = path == paths[0] ? "preferred" : "\(paths[0].rawValue) does not answer"
    let relay = agent.relay(to: site).map { " '\($0)'" } ?? ""
    return "path \(path.rawValue)\(relay) (\(why)) of \(paths.map(\.rawValue).joined(separator: ", "))"
  }

  /// The layers below, from the clock on.
  var findings: [LinkDiagnosis.Finding] {
    guard !isOwn else { return [clock, tunnel, firewall] }
    return [clock]
      + (agent.configuration.tunnel.paths.contains(.wireguard) ? [tunnel] : [])
      + [route].compactMap(\.self)
      + (paths.contains(.openvpnTCP) ? [openVPN] : []) + [firewall, probes]
  }

  private var clock: LinkDiagnosis.Finding {
    if let problem = evidence.clockProblem {
      return .wrong(.clock, problem, do: "Set the clock right ('timedatectl set-ntp true').")
    }
    let signed = site.descriptor?.issuedAt ?? now
    if now + ClockFacts.tolerance < max(signed, site.membership.notBefore) {
      let ahead = max(signed, site.membership.notBefore) - now
      return .wrong(
        .clock, "here it is \(now); its documents are signed \(ahead) s later",
        do: "One of the clocks is wrong: compare 'timedatectl' here, there and where the authority key is.")
    }
    return .ok(.clock, "here it is \(now); nothing was signed later")
  }

  private var tunnel: LinkDiagnosis.Finding {
    let observed: ObservedTunnel?
    switch evidence.tunnel {
    case .unseen(let unseen): return .unknown(.tunnel, unseen)
    case .seen(let seen): observed = seen
    }
    let differences = changes(from: observed, to: desired.tunnel, at: now).filter { change in
      concernsLink(change, isUp: wireGuard.flatMap { observed?.peer(of: $0) }?.hasKeys(at: now) ?? false)
    }
    guard differences.isEmpty else {
      return evidence.differing(.tunnel, "tunnel", differences.map(\.description))
    }
    let interface = "\(desired.tunnel.interface) on UDP port \(desired.tunnel.listenPort)"
    guard let wireGuard, let peer = observed?.peer(of: wireGuard) else { return .ok(.tunnel, interface) }
    let bytes = "\(peer.receivedBytes) bytes in, \(peer.sentBytes) out"
    let found = "\(interface), " + (peer.endpoint.map { "endpoint \($0), " } ?? "no endpoint, ")
    if let relay = agent.relay(to: site) {
      return .ok(.tunnel, "\(found)no direct way; its packets go by '\(relay)': see 'pbxlink why \(relay)'")
    }
    guard let handshake = peer.lastHandshake, peer.takesPackets(at: now) else {
      let last =
        peer.lastHandshake.map {
          "last handshake \(age(now - $0))\(peer.hasFormerKey ? " by a former key" : "")"
        }
        ?? "no handshake yet"
      let remedy =
        agent.restoreRemedy
        ?? PeerStatus.remedy(
          for: .down, site, nil, canBeReached: !agent.configuration.tunnel.endpoints.isEmpty)
      return .wrong(.tunnel, "\(found)\(last), \(bytes)", do: remedy ?? "See that its agent runs.")
    }
    return .ok(.tunnel, "\(found)handshake \(age(now - handshake)), \(bytes)")
  }

  /// Whether a change is about the interface or this peer. That the next endpoint or key has its turn while there
  /// is no handshake is no fault.
  private func concernsLink(_ change: TunnelChange, isUp: Bool) -> Bool {
    let keys = wireGuard?.keys ?? []
    return switch change {
    case .addPeer(let peer, _): keys.contains(peer.publicKey)
    case .updatePeer(let update, _): isUp && keys.contains(update.publicKey)
    case .cutPeerOff, .removePeer: false
    default: true
    }
  }

  private var route: LinkDiagnosis.Finding? {
    guard let look = evidence.route, let address = site.membership.addresses.first else { return nil }
    let wanted =
      agent.path(to: site) == .openvpnTCP
      ? agent.openVPNInterface(of: site) ?? desired.tunnel.interface : desired.tunnel.interface
    let remedy = "Another route is in front of ours: see 'ip rule' and 'ip route get \(address)'."
    switch look {
    case .unseen(let unseen): return .unknown(.route, unseen)
    case .seen(.interface(wanted)): return .ok(.route, "packets to \(address) leave by \(wanted)")
    case .seen(.interface(let other)):
      return .wrong(.route, "packets to \(address) leave by \(other), not by \(wanted)", do: remedy)
    case .seen(.none):
      return .wrong(.route, "there is no route to \(address); it should lead through \(wanted)", do: remedy)
    }
  }

  private var openVPN: LinkDiagnosis.Finding {
    guard let link = desired.openVPN.links.first(where: { $0.site == site.name }) else {
      return .wrong(.openvpn, "there is no link", do: "See the line 'desired'.")
    }
    let observed: ObservedOpenVPN
    switch evidence.openVPN {
    case .unseen(let unseen): return .unknown(.openvpn, unseen)
    case .seen(let seen): observed = seen
    }
    let differences = changes(from: observed, to: desired.openVPN).filter { change in
      change.interface == link.interface || change.interface == nil
    }
    guard differences.isEmpty else {
      return evidence.differing(.openvpn, "openvpn", differences.map(\.description))
    }
    let (role, remedy) =
      switch link.role {
      case .listen:
        (
          "is called on TCP port \(agent.configuration.openVPN.listenPort)",
          "See that its agent runs and that this port is open here."
        )
      case .connect(let endpoints, _):
        ("calls \(list(endpoints))", "See that its agent runs and that one of these ports is open there.")
      }
    let standing = link.isInUse ? "in use" : "stands by"
    guard let status = observed.status(of: link.interface), status.isConnected else {
      let problem = observed.problem(of: link.interface) ?? "no connection"
      return .wrong(.openvpn, "\(link.interface), \(role): \(problem)", do: remedy)
    }
    return .ok(
      .openvpn,
      "\(link.interface), \(role), \(standing): \(status.state), \(status.receivedBytes) bytes in, "
        + "\(status.sentBytes) out")
  }

  private var firewall: LinkDiagnosis.Finding {
    let observed: ObservedFirewall?
    switch evidence.firewall {
    case .unseen(let unseen): return .unknown(.firewall, unseen)
    case .seen(let seen): observed = seen
    }
    let addresses = site.membership.addresses
    let differences = changes(from: observed, to: desired.firewall).filter { change in
      switch change {
      case .addMember(let address): addresses.contains(address)
      case .createTable, .replaceTable: true
      case .removeMember, .addInvited, .removeInvited: false
      }
    }
    guard differences.isEmpty else {
      return evidence.differing(.firewall, "firewall", differences.map(\.description))
    }
    let found = isOwn ? "the table stands" : "it is let in"
    guard let counters = evidence.counters else { return .ok(.firewall, found) }
    let packets = addresses.compactMap { counters.sources[$0]?.packets }.reduce(0, +)
    let drops = FirewallTable.Counter.drops.compactMap { counter in
      counters.named[counter].flatMap { $0.packets > 0 ? "\($0.packets) \(counter.rawValue)" : nil }
    }
    return .ok(
      .firewall,
      found + (isOwn ? "" : ", \(packets) packets from it") + "; dropped of all: "
        + (drops.isEmpty ? "nothing" : drops.joined(separator: ", ")))
  }

  private var probes: LinkDiagnosis.Finding {
    // A relay that is not needed is not looked for.
    let paths = paths.filter { $0 != .relay || agent.path(to: site) == .relay }
    let found = paths.map { path in
      let state = evidence.paths[path]
      let time = state?.roundTrip.map { " (\(Int($0 / .milliseconds(1))) ms)" } ?? ""
      let size = state?.mtu.map { ", packets up to \($0) bytes" } ?? ""
      return "\(path.rawValue) \((state?.condition ?? .unknown).rawValue)\(time)\(size)"
    }.joined(separator: ", ")
    let conditions = paths.map { evidence.paths[$0]?.condition ?? .unknown }
    if agent.relay(to: site) != nil, evidence.paths[.relay]?.isUp == true { return .ok(.probes, found) }
    if conditions.contains(.down) {
      return .wrong(
        .probes, found, do: "A path that is down carries nothing: see 'tunnel' and 'openvpn', here and there."
      )
    }
    let path = agent.path(to: site)
    let quality = evidence.figures[path].flatMap { LinkQuality($0, codec: agent.callCodec(with: site)) }
    let isDegraded = evidence.paths[path]?.condition == .degraded
    if let advice = quality?.advice ?? (isDegraded ? LinkPaths.degradedAdvice : nil) {
      return .wrong(.probes, found, do: advice)
    }
    return conditions.contains(.unknown)
      ? .unknown(
        .probes, found,
        do: "Nothing has come by it yet, or the agent there was stopped just now: look again in a minute.")
      : .ok(.probes, found)
  }

  private func list(_ endpoints: [Endpoint]) -> String {
    endpoints.map(\.description).joined(separator: ", ")
  }
}

extension FirewallTable.Counter {
  /// Those whose packets are dropped.
  static let drops: [Self] = [
    .memberOther, .invitedOther, .stranger, .spoofed, .outsideIAX, .leaked, .forwarded, .relayedOther,
  ]
}
