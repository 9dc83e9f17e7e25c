// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import GRDB
public import PBXLinkCore

extension HistoryStore {
  /// Calls of one site that are kept; hours are kept whatever a site does, so that one that calls all the time hides nothing
  /// of the others.
  static let callLimit = 1_000

  static func makeCallTables(_ database: Database) throws {
    try database.execute(
      sql: """
        CREATE TABLE call (
          id INTEGER PRIMARY KEY, site TEXT NOT NULL, direction TEXT NOT NULL, caller TEXT, number TEXT,
          began INTEGER NOT NULL, seconds INTEGER NOT NULL, outcome TEXT NOT NULL) STRICT;
        CREATE INDEX call_site ON call (site, id);
        CREATE TABLE call_hour (
          site TEXT NOT NULL, day INTEGER NOT NULL, hour INTEGER NOT NULL, direction TEXT NOT NULL,
          attempts INTEGER NOT NULL, answered INTEGER NOT NULL, unanswered INTEGER NOT NULL,
          refused_limit INTEGER NOT NULL, refused_authentication INTEGER NOT NULL, failed INTEGER NOT NULL,
          seconds INTEGER NOT NULL, PRIMARY KEY (site, day, hour, direction)) STRICT, WITHOUT ROWID;
        """)
  }

  static func removeOldCalls(from database: Database, at now: Timestamp) throws {
    try database.execute(
      sql: "DELETE FROM call WHERE began < ?", arguments: [now.seconds - Self.lifetimes.hours])
    // A day more: where the clock of the wall is behind UTC.
    try database.execute(
      sql: "DELETE FROM call_hour WHERE day < ?",
      arguments: [(now.seconds - Self.lifetimes.hours) / 86_400 - 1])
  }

  /// Adds calls that are over, to the hour in which each has ended.
  public func record(_ calls: [TrunkCall], in hour: LocalHour) throws(StoreError) {
    try write { database in
      for call in calls {
        try database.execute(
          sql: """
            INSERT INTO call (site, direction, caller, number, began, seconds, outcome) VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            call.site.description, call.direction.rawValue, call.caller, call.number, call.began.seconds,
            call.seconds, call.outcome.rawValue,
          ])
        try database.execute(
          sql: """
            DELETE FROM call WHERE site = ? AND id <= (
              SELECT id FROM call WHERE site = ? ORDER BY id DESC LIMIT 1 OFFSET ?)
            """, arguments: [call.site.description, call.site.description, Self.callLimit])
        var counts = CallCounts()
        counts.add(call)
        try database.execute(
          sql: """
            INSERT INTO call_hour VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
              attempts = attempts + excluded.attempts, answered = answered + excluded.answered,
              unanswered = unanswered + excluded.unanswered,
              refused_limit = refused_limit + excluded.refused_limit,
              refused_authentication = refused_authentication + excluded.refused_authentication,
              failed = failed + excluded.failed, seconds = seconds + excluded.seconds
            """,
          arguments: [
            call.site.description, hour.day, hour.hour, call.direction.rawValue, counts.attempts,
            counts.answered, counts.unanswered, counts.refusedLimit, counts.refusedAuthentication,
            counts.failed, counts.seconds,
          ])
      }
    }
  }

  /// The last calls, the oldest first.
  public func calls(with site: SiteName?, limit: Int) throws(StoreError) -> [TrunkCall] {
    try read { database in
      let condition = site == nil ? "" : "WHERE site = ?"
      let arguments = StatementArguments((site.map { [$0.description] } ?? [])) + [limit]
      return try Row.fetchAll(
        database, sql: "SELECT * FROM call \(condition) ORDER BY id DESC LIMIT ?", arguments: arguments
      ).reversed().compactMap(TrunkCall.init)
    }
  }

  /// The hours with calls of one site, or of all, since a day.
  public func callHours(with site: SiteName?, since day: Int) throws(StoreError) -> [SiteName: [CallHour]] {
    try read { database in
      let condition = site == nil ? "" : "AND site = ?"
      let arguments: StatementArguments = [day] + StatementArguments(site.map { [$0.description] } ?? [])
      return try Row.fetchAll(
        database, sql: "SELECT * FROM call_hour WHERE day >= ? \(condition) ORDER BY day, hour",
        arguments: arguments
      ).reduce(into: [:]) { hours, row in
        guard let site = SiteName(row["site"] as String), let hour = CallHour(row) else { return }
        hours[site, default: []].append(hour)
      }
    }
  }
}

extension TrunkCall {
  fileprivate init?(_ row: Row) {
    guard let site = SiteName(row["site"] as String), let direction = Direction(rawValue: row["direction"]),
      let outcome = Outcome(rawValue: row["outcome"])
    else { return nil }
    self.init(
      site, direction, from: row["caller"], to: row["number"], began: Timestamp(seconds: row["began"]),
      seconds: row["seconds"], outcome)
  }
}

extension CallHour {
  fileprivate init?(_ row: Row) {
    guard let direction = TrunkCall.Direction(rawValue: row["direction"]) else { return nil }
    var counts = CallCounts()
    (counts.attempts, counts.answered, counts.unanswered) = (
      row["attempts"], row["answered"], row["unanswered"]
    )
    (counts.refusedLimit, counts.refusedAuthentication) = (
      row["refused_limit"], row["refused_authentication"]
    )
    (counts.failed, counts.seconds) = (row["failed"], row["seconds"])
    self.init(LocalHour(day: row["day"], hour: row["hour"]), direction, counts)
  }
}
