// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine {
  /// Events on the page.
  private static let eventCount = 15
  /// Most sites whose rows are asked for: the matrix shows no more.
  private static let rowLimit = 40
  /// For so long rows of others are taken to be as they were.
  private static let rowAge = Duration.seconds(10)
  /// Samples come once a minute.
  private static let pastAge = Duration.seconds(60)

  /// The status page. Rows of others are fetched behind it, and only while somebody looks.
  func page() async throws -> StatusPage {
    let status = try await lastStatus()
    let now = Self.clock()
    if rowsTask == nil || ContinuousClock.now - rowsMoment > Self.rowAge {
      rowsMoment = .now
      rowsTask = Task { [former = rowsTask] in
        await former?.value
        await fetchRows()
      }
    }
    if pasts.map({ ContinuousClock.now - $0.moment > Self.pastAge }) ?? true, let history {
      do {
        pasts = (try history.pasts(at: now), try callsToday(history), .now)
      } catch {
        // The page is of use without.
        logger.error("history: \(error)")
      }
    }
    var query = EventQuery()
    query.limit = Self.eventCount
    // What a plan changed step by step is for 'pbxlink events'.
    query.kinds = JournalEntry.Kind.allCases.filter { $0 != .planApplied }
    return StatusPage(
      status, rows: sharedRows, pasts: pasts?.links ?? [:], calls: pasts?.calls ?? [:],
      events: try store.events(query), at: now)
  }

  private func fetchRows() async {
    guard let agent, !isDown else { return }
    let sites = agent.linkedSites(at: Self.clock()).filter { agent.linksUp.contains($0.name) }
    let members = Set(agent.sites(at: Self.clock()).map(\.name))
    sharedRows = sharedRows.filter { members.contains($0.key) }
    await forEach(Array(sites.prefix(Self.rowLimit)), atOnce: 8) { site in
      // A site that does not answer, or not yet knows how, keeps the row that it had; the page tells its age.
      guard let answer = try? await self.client(of: site, timeout: 3)?.links() else { return }
      // Whatever it tells of others is not kept.
      let row = LinkRow(links: answer.row.links.filter { members.contains($0.key) })
      await self.note(row, of: site.name)
    }
  }

  private func note(_ row: LinkRow, of site: SiteName) {
    sharedRows[site] = StatusPage.SharedRow(row, at: Self.clock())
  }

  /// For so long our own row is told as it was, however often a member asks.
  private static let ownRowAge = Duration.seconds(1)

  func exchangeLinks(_ request: LinksRequest, from address: IPAddress) async throws -> LinksAnswer {
    _ = try heard(address)
    if let ownRow, ContinuousClock.now - ownRow.moment < Self.ownRowAge {
      return LinksAnswer(row: ownRow.row)
    }
    let row = LinkRow(try await lastStatus())
    ownRow = (row, .now)
    return LinksAnswer(row: row)
  }
}
