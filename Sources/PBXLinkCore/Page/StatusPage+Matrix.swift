// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension StatusPage {
  /// Sites above which a table of all with all helps nobody.
  private static let limit = 40
  /// Seconds after which a row of another site is called old.
  private static let fresh: Int64 = 90

  /// What each site measures to each other one; rows are measured by their own site.
  var matrix: HTML? {
    guard let own = SiteName(status.site.name) else { return nil }
    let others = status.peers.filter { ![.invited, .pending].contains($0.state) }.compactMap {
      SiteName($0.name)
    }
    let sites = ([own] + others).sorted()
    guard sites.count > 1 else { return nil }
    guard sites.count <= Self.limit else {
      return "<p>The matrix is shown for up to \(Self.limit) sites; there are \(sites.count).</p>"
    }
    let rows = sites.map { site -> HTML in
      let shared = self.rows[site]
      let row = site == own ? LinkRow(status) : shared?.row
      let age = shared.map { max(0, now - $0.time) }.flatMap {
        $0 > Self.fresh ? Seconds.words($0) : nil
      }
      let heading: HTML =
        "<th scope=\"row\">\(site.description)\(age.map { " <small>\($0) ago</small>" as HTML })</th>"
      let cells = sites.map { $0 == site ? "<td class=self></td>" as HTML : Self.cell(row?.links[$0]) }
      return "<tr>\(heading)\(cells)</tr>"
    }
    return """
      <section aria-labelledby="matrix"><h2 id="matrix">Mesh</h2>\
      <div class="scroll" id="matrix-table" tabindex="0" role="region" aria-label="Table of all links"><table>\
      <caption>From each site (row) to each other one (column): state, round trip and MOS as the row's site measures \
      them.</caption><thead><tr><td></td>\(sites.map { "<th scope=\"col\">\($0.description)</th>" as HTML })</tr></thead>\
      <tbody>\(rows)</tbody></table></div></section>
      """
  }

  private static func cell(_ cell: LinkRow.Cell?) -> HTML {
    guard let cell else { return "<td class=idle>not told</td>" }
    let figures = [
      cell.state == .up ? nil : cell.state.words, cell.state.isMeasured ? cell.roundTrip?.milliseconds : nil,
      cell.state.isMeasured ? cell.mos.map { "MOS \($0.fixed(places: 1))" } : nil,
    ].compactMap(\.self)
    return """
      <td class=\(cell.state.tone(mos: cell.mos).rawValue)>\(figures.isEmpty ? "up" : figures.joined(separator: ", "))</td>
      """
  }
}
