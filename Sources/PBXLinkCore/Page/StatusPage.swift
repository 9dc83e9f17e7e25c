// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The status as a page for people: it works without its script, which only keeps it up to date.
public struct StatusPage: Sendable {
  /// A row of the matrix that another site has told.
  public struct SharedRow: Hashable, Sendable {
    /// The row.
    public let row: LinkRow
    /// When it came.
    public let time: Timestamp

    /// A row that came at a moment.
    public init(_ row: LinkRow, at time: Timestamp) { (self.row, self.time) = (row, time) }
  }

  /// What this site sees.
  public let status: StatusSnapshot
  /// What others see.
  public let rows: [SiteName: SharedRow]
  /// The last day of each link.
  public let pasts: [SiteName: LinkPast]
  /// The calls of today with each site.
  public let calls: [SiteName: CallReport.Day]
  /// The last events, the oldest first.
  public let events: [RecordedEvent]
  let now: Timestamp

  /// A page.
  public init(
    _ status: StatusSnapshot, rows: [SiteName: SharedRow], pasts: [SiteName: LinkPast],
    calls: [SiteName: CallReport.Day], events: [RecordedEvent], at now: Timestamp
  ) {
    (self.status, self.rows, self.pasts) = (status, rows, pasts)
    (self.calls, self.events, self.now) = (calls, events, now)
  }

  /// The whole document.
  public var document: HTML {
    """
    <!DOCTYPE html>
    <html lang="en"><head><meta charset="utf-8"><title>\(title)</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <noscript><meta http-equiv="refresh" content="30"></noscript>
    <style>\(PageAssets.style)</style></head><body>
    <header><h1>\(status.site.name) <small>in mesh \(status.mesh.name)</small></h1>
    <p id="verdict" role="status">\(status.verdict)</p><p id="lost" role="alert"></p></header>
    \(main)
    <script>\(PageAssets.script)</script></body></html>

    """
  }

  /// A document for when there is no status.
  public static func problem(_ text: String) -> HTML {
    """
    <!DOCTYPE html>
    <html lang="en"><head><meta charset="utf-8"><title>(!) pbxlink</title>
    <meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="10">
    <style>\(PageAssets.style)</style></head><body><header><h1>pbxlink</h1><p role="alert">\(text)</p></header></body></html>

    """
  }

  /// What changes: the script asks for this part alone.
  public var main: HTML {
    """
    <main data-title="\(title)" data-verdict="\(status.verdict)">\(facts)\(problems)\(matrix)\(links)\(journal)</main>
    """
  }

  /// In the title of a window, where it is seen while other windows are looked at.
  private var title: String {
    (status.alerts.isEmpty && status.agent.problems.isEmpty ? "" : "(!) ") + "\(status.site.name) – pbxlink"
  }

  private var facts: HTML {
    let agent = status.agent
    return """
      <p class="facts">As of \(Self.moment(status.time)). Agent \(agent.version) since \(Self.moment(agent.since)), \
      tunnel \(agent.tunnelBackend ?? "none"), Asterisk \(agent.asteriskVersion ?? "does not answer"), extensions \
      \(status.site.extensions.isEmpty ? "none" : status.site.extensions.joined(separator: " ")).</p>
      """
  }

  private var problems: HTML? {
    let routers = (status.neighbors ?? []).filter { $0.state != "up" }.map(\.line)
    let problems = status.agent.problems + routers.map { String($0.drop { "! ".contains($0) }) }
    guard !problems.isEmpty else { return nil }
    return """
      <section aria-labelledby="problems"><h2 id="problems">Not well here</h2><ul class="problems">\
      \(problems.map { "<li>\($0)</li>" as HTML })</ul></section>
      """
  }

  private var journal: HTML? {
    guard !events.isEmpty else { return nil }
    let rows = events.reversed().map { event -> HTML in
      "<li>\(Self.moment(event.time)) <span>\(event.text)</span></li>"
    }
    return """
      <section aria-labelledby="events"><h2 id="events">Last events</h2><ol class="events">\(rows)</ol></section>
      """
  }

  /// A moment for people; the script shows it in the reader's own time.
  static func moment(_ text: String) -> HTML {
    let words = text.replacing("T", with: " ").replacing("Z", with: " UTC")
    return "<time datetime=\"\(text)\">\(words)</time>"
  }
}
