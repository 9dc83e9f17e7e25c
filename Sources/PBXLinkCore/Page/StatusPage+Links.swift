// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension StatusPage {
  /// A card for each other site.
  var links: HTML? {
    guard !status.peers.isEmpty else {
      return "<p>No other sites yet: <code>pbxlink add-site NAME</code> invites one.</p>"
    }
    return """
      <section aria-labelledby="links"><h2 id="links">Links</h2><div class="cards">\(status.peers.map(card))</div>\
      <p class="facts">Pictures: the last day in half hours; the line is the round trip, bars are loss (full height is 10 %), \
      bands are times in which the link was down. Figures are those of the last minute, “there” for who listens at the other \
      site, “here” for who listens at this one.</p></section>
      """
  }

  private func card(_ peer: PeerStatus) -> HTML {
    let past = SiteName(peer.name).flatMap { pasts[$0] }
    let id = "peer-\(peer.name)"
    let age = peer.since.flatMap(Timestamp.init(rfc3339:)).map { Seconds.words(max(0, now - $0)) }
    let facts = facts(of: peer).map { name, value -> HTML in "<div><dt>\(name)</dt><dd>\(value)</dd></div>" }
    return """
      <article aria-labelledby="\(id)" class="\(peer.state.tone(mos: peer.mos).rawValue)"><h3 id="\(id)">\(peer.name)</h3>\
      <p class="state">\(peer.state.words)\
      \(age.map { " <small>for \($0)</small>" as HTML })</p>\
      \(peer.advice.map { "<p class=\"advice\">\($0)</p>" as HTML })\
      \(past.flatMap { Sparkline(past: $0, now: now).svg })\
      <dl>\(facts)</dl>\(past.flatMap { outages(of: $0) })</article>
      """
  }

  private func facts(of peer: PeerStatus) -> [(String, String)] {
    let quality = peer.paths.first(where: \.inUse)?.quality
    func both(_ there: String?, _ here: String?) -> String? {
      there == nil && here == nil ? nil : "\(there ?? "?") there, \(here ?? "?") here"
    }
    let handshake = (peer.lastHandshake?.moment).map {
      "\(Seconds.words(max(0, now - $0))) ago"
    }
    let today = SiteName(peer.name).flatMap { calls[$0]?.words }
    let facts: [(String, String?)] = [
      ("Path", peer.path), ("Round trip", peer.roundTrip?.milliseconds),
      ("Loss", both(peer.lossTransmit?.percent, peer.lossReceive?.percent)),
      ("Jitter", peer.jitter?.milliseconds),
      ("MOS", both(quality?.transmit.mos?.fixed(places: 1), quality?.receive.mos?.fixed(places: 1))),
      ("Calls", peer.callLimit.map { "\(peer.calls) of \($0)\(today.map { "; today \($0)" } ?? "")" }),
      ("Asterisk", peer.trunk),
      ("Handshake", handshake),
      ("Extensions", peer.extensions.isEmpty ? nil : peer.extensions.joined(separator: " ")),
    ]
    return facts.compactMap { name, value in value.map { (name, $0) } }
  }

  /// Outages that are shown, of those of the last day.
  private static let shown = 3

  private func outages(of past: LinkPast) -> HTML? {
    guard !past.outages.isEmpty else { return nil }
    let lines = past.outages.suffix(Self.shown).reversed().map { outage -> HTML in
      let length =
        outage.ended.map { "for \(Seconds.words($0 - outage.began))" } ?? "until now"
      return """
        <li>\(outage.kind.rawValue) from \(Self.moment(outage.began.description)) \(length): \(outage.cause)</li>
        """
    }
    return """
      <p>Outages of the last day: \(past.outages.count)</p><ul class="outages">\(lines)</ul>
      """
  }
}
