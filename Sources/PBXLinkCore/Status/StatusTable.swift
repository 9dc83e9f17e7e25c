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
    lines.append("")
    guard !peers.isEmpty else { return lines + ["No other sites yet. 'pbxlink add-site NAME' invites one."] }
    let table = TextTable(
      ["PEER", "STATE", "TRUNK", "CALLS", "EXTENSIONS", "HANDSHAKE", "PATH"],
      rows: peers.map { peer in
        [
          peer.name, peer.state.rawValue, peer.trunk ?? "-",
          peer.callLimit.map { "\(peer.calls)/\($0)" } ?? "-",
          peer.extensions.isEmpty ? "-" : peer.extensions.joined(separator: " "),
          peer.lastHandshake.map { String($0.dropFirst(11).dropLast(1)) } ?? "-", peer.path ?? "-",
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
