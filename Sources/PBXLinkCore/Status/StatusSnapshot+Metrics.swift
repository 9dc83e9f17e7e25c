// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension StatusSnapshot {
  /// A member with its labels. A class, since copying a status for each sample takes longer than writing it.
  final class LabelledPeer {
    let status: PeerStatus
    let labels: MetricsWriter.Labels
    let incoming, outgoing: CallCounts
    let paths: [(labels: MetricsWriter.Labels, status: PathStatus)]
    let probes: [(labels: MetricsWriter.Labels, counters: ProbeCounters)]

    init(
      _ status: PeerStatus, _ measured: Measurements, pathLabels: [(TunnelPath, MetricsWriter.Labels)],
      in writer: inout MetricsWriter
    ) {
      let labels = writer.label("peer", status.name)
      let name = SiteName(status.name)
      let calls = name.flatMap { measured.calls[$0] } ?? [:]
      let counters = name.flatMap { measured.probes[$0] } ?? [:]
      (self.status, self.labels) = (status, labels)
      (incoming, outgoing) = (calls[.incoming] ?? CallCounts(), calls[.outgoing] ?? CallCounts())
      let byPath = pathLabels.map { ($0, writer.labels(labels, $1)) }
      paths = byPath.compactMap { path, labels in
        status.paths.first { $0.name == path }.map { (labels, $0) }
      }
      probes = byPath.compactMap { path, labels in counters[path].map { (labels, $0) } }
    }
  }

  /// The bytes of a peer, more or less.
  private static let peerLength = 5_000

  /// Writes the status as metrics. A peer has its series from when it is a member until it is removed, those of its paths and
  /// probes from when it is linked: what is not known is NaN. Its name is on each of them; what changes now and then is
  /// on `pbxlink_peer_info` alone.
  public func write(_ measured: Measurements = Measurements(), to writer: inout MetricsWriter) {
    let pathLabels = TunnelPath.allCases.map { ($0, writer.label("path", $0.rawValue)) }
    let members = peers.filter { $0.state != .invited }.map {
      LabelledPeer($0, measured, pathLabels: pathLabels, in: &writer)
    }
    writer.reserve((members.count + 1) * Self.peerLength)
    measured.write(to: &writer)
    writeSite(measured, to: &writer)
    writeLinks(members, to: &writer)
    writeCalls(members, to: &writer)
    writePaths(members, to: &writer)
    writeVoice(members, to: &writer)
    writeProbes(members, to: &writer)
  }

  private func writeSite(_ measured: Measurements, to writer: inout MetricsWriter) {
    writer.begin("pbxlink_site_info", "Names of this site and its mesh; always 1.")
    writer.add(1, writer.label("site", site.name), writer.label("mesh", mesh.name))
    writer.begin(
      "pbxlink_problems", "Number of things that are not well with this site itself, as status lists them.")
    writer.add(Double(agent.problems.count))
    writer.begin("pbxlink_asterisk_up", "Whether Asterisk here answers (1) or not (0).")
    writer.add(agent.asteriskVersion == nil ? 0 : 1)
    writer.begin(
      "pbxlink_timer_lag_seconds", "How much later than it was due the latest of the last 1000 probes left.")
    writer.add(measured.timerLag?.seconds)
    writer.begin(
      "pbxlink_bfd_neighbor_up",
      "Whether the BFD session with a router outside the mesh is up (1) or not (0).")
    for neighbor in neighbors ?? [] {
      writer.add(neighbor.state == "up" ? 1 : 0, writer.label("neighbor", neighbor.address))
    }
  }

  private func writeLinks(_ peers: [LabelledPeer], to writer: inout MetricsWriter) {
    writer.begin("pbxlink_peer_info", "Facts about a peer that change now and then; always 1.")
    for peer in peers {
      writer.add(
        1, writer.labels(peer.labels, writer.label("tunnel_address", peer.status.addresses.first ?? "")),
        writer.label("path", peer.status.path ?? ""))
    }
    let states = PeerStatus.State.allCases.filter { $0 != .invited }.map {
      ($0, writer.label("state", $0.rawValue))
    }
    writer.begin("pbxlink_peer_state", "1 for the state of the link, 0 for the others.")
    for peer in peers {
      for (state, label) in states { writer.add(peer.status.state == state ? 1 : 0, peer.labels, label) }
    }
    func family(
      _ name: String, _ help: String, _ kind: MetricsWriter.Kind = .gauge, _ value: (PeerStatus) -> Double?
    ) {
      writer.begin(name, help, kind)
      for peer in peers { writer.add(value(peer.status), peer.labels) }
    }
    family(
      "pbxlink_peer_admin_enabled", "Whether the link is wanted (1) or taken down by 'pbxlink down' (0)."
    ) { $0.state == .disabled ? 0 : 1 }
    family("pbxlink_peer_up", "Whether packets go both ways by the path in use (1) or not (0).") {
      $0.isTunnelUp ? 1 : 0
    }
    family(
      "pbxlink_tunnel_last_handshake_timestamp_seconds",
      "Unix time of WireGuard's last handshake; 0 when there was none."
    ) { ($0.lastHandshake?.moment.seconds).map(Double.init) ?? 0 }
    family("pbxlink_tunnel_receive_bytes", "Bytes received from the peer on all of its tunnels.", .counter) {
      Double($0.received ?? 0)
    }
    family("pbxlink_tunnel_transmit_bytes", "Bytes sent to the peer on all of its tunnels.", .counter) {
      Double($0.sent ?? 0)
    }
    family("pbxlink_iax2_peer_reachable", "Whether Asterisk here would try a call (1) or not (0).") {
      $0.trunk.map { QualifyStatus($0).isReachable ? 1 : 0 } ?? 0
    }
    family("pbxlink_iax2_poke_rtt_seconds", "Time from the last IAX2 POKE to its PONG by the path in use.") {
      $0.paths.first { $0.inUse }?.asteriskRoundTrip ?? $0.trunk.flatMap { QualifyStatus($0).roundTrip }
    }
    family("pbxlink_active_calls", "Calls that are up with the peer.") { Double($0.calls) }
    family("pbxlink_call_limit", "Most calls at a time with the peer.") { $0.callLimit.map(Double.init) }
  }
}

extension PeerStatus {
  /// Whether packets go both ways, whatever Asterisk does.
  fileprivate var isTunnelUp: Bool {
    switch state {
    case .up, .degraded, .trunkDown, .callsRefused, .full: true
    case .down, .pending, .invited, .conflict, .disabled: false
    }
  }
}
