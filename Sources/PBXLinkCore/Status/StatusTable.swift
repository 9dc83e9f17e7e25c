// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension StatusSnapshot {
  /// The screen of `pbxlink status`: a few lines on this site, two a peer, advice under what is not well.
  public func table(by order: Order = .name) -> [String] {
    let peers = sorted(by: order)
    var lines = [
      "mesh \(mesh.name)   site \(site.name)   address \(site.addresses.first ?? "-")   extensions "
        + (site.extensions.isEmpty ? "none" : site.extensions.joined(separator: " ")),
      "agent \(agent.version) since \(agent.since)   tunnel \(agent.tunnelBackend ?? "none")   Asterisk "
        + (agent.asteriskVersion ?? "not answering"),
    ].flatMap { Self.wrapped($0, "") }
    if site.revoked { lines.append("! The authority has revoked this site: all links are gone.") }
    if agent.isDown { lines.append("! Links are taken down here. 'pbxlink apply' brings them back.") }
    lines += agent.problems.flatMap { Self.wrapped($0, "! ") }
    lines += (neighbors ?? []).flatMap { neighbor in
      let isAlert = neighbor.line.hasPrefix("! ")
      return Self.wrapped(String(neighbor.line.dropFirst(isAlert ? 2 : 0)), isAlert ? "! " : "")
    }
    lines.append("")
    guard !peers.isEmpty else { return lines + ["No other sites yet. 'pbxlink add-site NAME' invites one."] }
    let table = TextTable(
      ["PEER", "STATE", "SINCE", "CALLS", "RTT", "LOSS", "JITTER", "MOS"],
      rows: peers.map { peer in
        [
          peer.name, peer.state.rawValue, peer.age(at: time) ?? "-",
          peer.callLimit.map { "\(peer.calls)/\($0)" } ?? "-",
          peer.roundTrip?.milliseconds ?? "-", peer.loss ?? "-", peer.jitter?.milliseconds ?? "-",
          peer.bothMOS ?? "-",
        ]
      }
    ).lines
    lines.append(table[0])
    for (peer, row) in zip(peers, table.dropFirst()) {
      lines.append(row)
      let details = [
        peer.path, peer.trunk.map { "Asterisk \($0)" },
        peer.extensions.isEmpty ? nil : "extensions " + peer.extensions.joined(separator: " "),
      ].compactMap(\.self)
      if !details.isEmpty { lines += Self.wrapped(details.joined(separator: "   "), "  ") }
      if let advice = peer.advice { lines += Self.wrapped(advice, "  ! ") }
    }
    return lines
  }

  /// The columns of a terminal by default.
  private static let width = 80

  /// Lines that begin with a prefix, or where they go on with as many blanks.
  private static func wrapped(_ text: String, _ prefix: String) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      if !line.isEmpty, prefix.count + line.count + 1 + word.count > width {
        lines.append(line)
        line = String(word)
      } else {
        line += (line.isEmpty ? "" : " ") + word
      }
    }
    lines.append(line)
    let blanks = String(repeating: " ", count: prefix.count)
    return lines.enumerated().map { ($0.offset == 0 ? prefix : blanks) + $0.element.drop { $0 == " " } }
  }
}

extension PeerStatus {
  /// How long it has been in its state, such as "3 h 5 min".
  fileprivate func age(at time: String) -> String? {
    guard let since = since.flatMap(Timestamp.init(rfc3339:)), let now = Timestamp(rfc3339: time) else {
      return nil
    }
    return Seconds.words(max(0, now - since))
  }

  /// MOS there and here, such as "4.4/4.2".
  fileprivate var bothMOS: String? {
    guard let quality = paths.first(where: \.inUse)?.quality,
      quality.transmit.mos != nil || quality.receive.mos != nil
    else { return mos?.fixed(places: 1) }
    return [quality.transmit.mos, quality.receive.mos].map { $0?.fixed(places: 1) ?? "-" }.joined(
      separator: "/")
  }

  /// Loss from here and to here, such as "0.0/2.5 %"; what is lost on either way where that is all that is known.
  fileprivate var loss: String? {
    if let lossTransmit, let lossReceive {
      return "\((lossTransmit * 100).fixed(places: 1))/\(lossReceive.percent)"
    }
    return paths.first(where: \.inUse)?.quality?.roundTripLossRatio?.percent
  }
}
