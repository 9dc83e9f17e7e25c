// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Testing

@testable import PBXLinkCore

@Suite("The status page")
struct StatusPageTests {
  let now = Offices.now

  private func peer(
    _ name: String, _ state: PeerStatus.State = .up, advice: String? = nil, trunk: String? = "OK (3 ms)"
  ) -> PeerStatus {
    PeerStatus(
      name: name, state: state, since: (now + -3900).description, path: "wireguard 198.51.100.10:51820",
      paths: [], roundTrip: 0.0213, lossTransmit: 0, lossReceive: 0.025, jitter: 0.002, mos: 4.3,
      lastHandshake: RFC3339(now + -42), received: 1, sent: 1, calls: 1, callLimit: 4, trunk: trunk,
      extensions: ["3XX"], addresses: ["10.77.0.2"], advice: advice)
  }

  private func status(_ peers: [PeerStatus], problems: [String] = []) -> StatusSnapshot {
    StatusSnapshot(
      time: now.description, mesh: .init(name: "acme", authority: "key", networks: ["10.77.0.0/16"]),
      site: .init(name: "paris", addresses: ["10.77.0.1"], extensions: ["2XX"], revoked: false),
      agent: .init(
        version: "1", since: (now + -7200).description, tunnelBackend: "kernel", tunnelBackendReason: nil,
        asteriskVersion: "22.10.1", problems: problems, isDown: false), peers: peers, neighbors: [])
  }

  private func site(_ name: String) throws -> SiteName { try #require(SiteName(name)) }

  private func past(outages: [Outage] = []) -> LinkPast {
    var parts: [Int: LinkPast.Part] = [:]
    for part in 0..<LinkPast.count where part % 10 != 9 {
      let trip = 0.02 + Double(part % 7) / 1000
      parts[part] = LinkPast.Part(roundTrip: trip, loss: part % 5 == 0 ? 0.01 : 0)
    }
    return LinkPast(start: LinkPast.start(at: now), parts: parts, outages: outages)
  }

  @Test("what other people have written is text, wherever it stands")
  func hostile() throws {
    let evil = "</li></main><script>alert('\"1\" & 2')</script>\u{202e}\u{0}"
    let event = RecordedEvent(id: 1, time: now, kind: "site_revoked", site: "lyon", text: evil)
    let outage = Outage(.down, began: now + -60, cause: evil)
    let page = StatusPage(
      status([peer("lyon", .conflict, advice: evil, trunk: evil)], problems: [evil]), rows: [:],
      pasts: [try site("lyon"): past(outages: [outage])], calls: [:], events: [event], at: now)
    let text = page.document.markup
    let escaped =
      "&lt;/li&gt;&lt;/main&gt;&lt;script&gt;alert(&#39;&quot;1&quot; &amp; 2&#39;)&lt;/script&gt;"
    #expect(text.components(separatedBy: escaped).count == 6, "advice, trunk, problem, outage and event")
    #expect(text.components(separatedBy: "<script>").count == 2 && !text.contains("\u{202e}"))
    #expect(text.components(separatedBy: "</main>").count == 2)
  }

  /// Some calls.
  private func day(_ site: SiteName) -> CallReport.Day {
    let calls: [(TrunkCall.Direction, TrunkCall.Outcome, Int64)] = [
      (.outgoing, .answered, 1_900), (.incoming, .answered, 140), (.outgoing, .refusedLimit, 0),
      (.outgoing, .busy, 0),
    ]
    return CallReport.Day(
      20_000, site,
      calls.map { direction, outcome, seconds in
        var counts = CallCounts()
        counts.add(TrunkCall(site, direction, from: nil, to: nil, began: now, seconds: seconds, outcome))
        return CallHour(LocalHour(day: 20_000, hour: 9), direction, counts)
      })
  }

  @Test("the calls of today are on the card of their link")
  func calls() throws {
    let page = StatusPage(
      status([peer("lyon"), peer("nice")]), rows: [:], pasts: [:],
      calls: [try site("lyon"): try day(site("lyon"))], events: [], at: now)
    let text = page.main.markup
    #expect(text.contains("<dt>Calls</dt><dd>1 of 4; today 4, 34 min talked, 1 refused</dd>"))
    #expect(text.contains("<dt>Calls</dt><dd>1 of 4</dd>"))
  }

  @Test("what a terminal would obey is shown as a sign; what it shows stays")
  func printable() {
    #expect("\u{1b}[2J\u{9b}K \u{202e}a\r\0".printable == "\u{fffd}[2J\u{fffd}K \u{fffd}a\u{fffd}\u{fffd}")
    #expect("é ✓\tMünchen\n".printable == "é ✓\tMünchen\n")
  }

  @Test(
    "the first sentence says whether all is well",
    arguments: [
      ([PeerStatus.State.up, .up], "2 links well."), ([.up], "1 link well."), ([], "No links yet."),
      ([.up, .down], "1 of 2 links not well: b."), ([.degraded, .full], "2 of 2 links not well: a, b."),
      ([.up, .invited], "1 link well."), ([.trunkDown, .callsRefused], "2 of 2 links not well: a, b."),
    ])
  func verdict(states: [PeerStatus.State], sentence: String) {
    let peers = zip(["a", "b"], states).map { peer($0, $1) }
    let page = StatusPage(status(peers), rows: [:], pasts: [:], calls: [:], events: [], at: now)
    #expect(page.main.markup.contains("data-verdict=\"\(sentence)\""))
    #expect(page.document.markup.contains("role=\"status\">\(sentence)</p>"))
    #expect(page.document.markup.contains("<title>(!) ") == sentence.contains("not well"))
  }

  @Test("the matrix has a row a site, by its own measurement; what is not told is not made up")
  func matrix() throws {
    let row = LinkRow(links: [
      try site("paris"): .init(state: .down, roundTrip: 0.5, loss: nil, mos: 1),
      try site("nice"): .init(state: .up, roundTrip: 0.021, loss: 0.2, mos: 2.3),
      try site("nowhere"): .init(state: .up, roundTrip: 0.001, loss: 0, mos: 4),
    ])
    let page = StatusPage(
      status([peer("lyon"), peer("nice", .degraded), peer("wien", .invited)]),
      rows: [try site("lyon"): .init(row, at: now + -300)], pasts: [:], calls: [:], events: [], at: now)
    let table = try #require(page.matrix?.markup)
    let rows = table.components(separatedBy: "<tr>").dropFirst(2)
    #expect(rows.count == 3 && !table.contains("nowhere") && !table.contains("wien"))
    let lyon = try #require(rows.first)
    #expect(lyon.contains("lyon <small>5 min ago</small>") && lyon.contains("<td class=bad>down</td>"))
    #expect(lyon.contains("<td class=poor>21 ms, MOS 2.3</td>"))
    #expect(
      try #require(rows.dropFirst().first).components(separatedBy: "not told").count == 3, "nice is silent")
    #expect(
      table.contains("<td class=good>21 ms, MOS 4.3</td>") && table.contains("<td class=poor>degraded, 21 ms")
    )
  }

  @Test("a picture says in words what it shows, and an empty one is left out")
  func pictures() {
    let outage = Outage(.down, began: now + -4000, ended: now + -3700, cause: "wireguard did not answer")
    let spark = Sparkline(past: past(outages: [outage]), now: now)
    #expect(spark.words == "The last day: round trip 20 ms to 26 ms, at most 1.0 % lost, down for 5 min.")
    let svg = spark.svg?.markup ?? ""
    #expect(
      svg.contains("aria-label=\"\(spark.words)\"") && svg.components(separatedBy: "v40h-10z").count == 2)
    #expect(svg.contains("d=\"M0 10h10v-2h10v-1h10"), "\(svg)")
    let empty = LinkPast(start: LinkPast.start(at: now), parts: [:], outages: [])
    #expect(Sparkline(past: empty, now: now).svg == nil)
  }

  @Test("a refresh for ten sites with a full day and events takes less than 20 KiB")
  func size() throws {
    let names = (0..<10).map { "office-\($0)" }
    let links = try names.reduce(into: [SiteName: LinkRow.Cell]()) {
      $0[try site($1)] = .init(state: .up, roundTrip: 0.021, loss: 0, mos: 4.3)
    }
    let page = StatusPage(
      status(names.map { peer($0) }),
      rows: try names.reduce(into: [:]) { $0[try site($1)] = .init(LinkRow(links: links), at: now) },
      pasts: try names.reduce(into: [:]) { $0[try site($1)] = past() },
      calls: try names.reduce(into: [:]) { $0[try site($1)] = try day(site($1)) },
      events: (1...15).map {
        RecordedEvent(
          id: $0, time: now, kind: "link_up", site: "office-1",
          text: "link to 'office-1' is up after 42 s down")
      }, at: now)
    #expect(page.main.markup.utf8.count < 20 << 10, "\(page.main.markup.utf8.count) bytes")
  }

  @Test("a mesh of hundreds has no matrix, but all its links")
  func hundreds() {
    let page = StatusPage(
      status((0..<300).map { peer("office-\($0)") }), rows: [:], pasts: [:], calls: [:], events: [], at: now)
    #expect(page.main.markup.contains("up to 40 sites; there are 301."))
    #expect(page.main.markup.components(separatedBy: "<article").count == 301)
  }
}
