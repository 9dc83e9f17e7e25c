// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension StatusSnapshot {
  /// The screen of `pbxlink status`: a few lines on this site, a row a peer, advice under what is not well.
  public func table() -> [String] {
    var lines = [
      "mesh \(mesh.name)   site \(site.name)   address \(site.addresses.first ?? "-")   extensions "
        + (site.extensions.isEmpty ? "none" : site.extensions.joined(separator: " ")),
      "agent \(agent.version) since \(agent.since)   tunnel \(agent.tunnelBackend ?? "none")   Asterisk "
        + (agent.asteriskVersion ?? "not answering"),
    ]
    if site.revoked { lines.append("! The authority has revoked this site: all links are gone.") }
    if agent.isDown { lines.append("! Links are taken down here. 'pbxlink apply' brings them back.") }
    lines += agent.problems.map { "! \($0)" }
    lines += (neighbors ?? []).map(\.line)
    lines.append("")
    guard !peers.isEmpty else { return lines + ["No other sites yet. 'pbxlink add-site NAME' invites one."] }
    let table = TextTable(
      ["PEER", "STATE", "TRUNK", "CALLS", "EXTENSIONS", "RTT", "LOSS", "JITTER", "MOS", "PATH"],
      rows: peers.map { peer in
        [
          peer.name, peer.state.rawValue, peer.trunk ?? "-",
          peer.callLimit.map { "\(peer.calls)/\($0)" } ?? "-",
          peer.extensions.isEmpty ? "-" : peer.extensions.joined(separator: " "),
          peer.roundTrip?.milliseconds ?? "-", peer.loss ?? "-", peer.jitter?.milliseconds ?? "-",
          peer.mos?.fixed(places: 1) ?? "-", peer.path ?? "-",
        ]
      }
    ).lines
    lines.append(table[0])
    for (peer, row) in zip(peers, table.dropFirst()) {
      lines.append(row)
      if let advice = peer.advice { lines.append("  ! \(advice)") }
    }
    return lines
  }
}

extension PeerStatus {
  /// Loss from here and to here, such as "0.0/2.5 %"; what is lost on either way where that is all that is known.
  fileprivate var loss: String? {
    if let lossTransmit, let lossReceive {
      return "\((lossTransmit * 100).fixed(places: 1))/\(lossReceive.percent)"
    }
    return paths.first(where: \.inUse)?.quality?.roundTripLossRatio?.percent
  }
}
