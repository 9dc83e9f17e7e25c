// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import GRDB
public import PBXLinkCore

extension Store {
  /// A part of the journal, the oldest first.
  public func events(_ query: EventQuery) throws(StoreError) -> [RecordedEvent] {
    var conditions = ["1"]
    var arguments = StatementArguments()
    if let after = query.after {
      conditions.append("id > ?")
      arguments += [after]
    }
    if let since = query.since {
      conditions.append("time >= ?")
      arguments += [since]
    }
    if let site = query.site {
      conditions.append("site = ?")
      arguments += [site.description]
    }
    if let kinds = query.kinds {
      conditions.append("kind IN (\(kinds.map { _ in "?" }.joined(separator: ", ")))")
      arguments += StatementArguments(kinds.map(\.rawValue))
    }
    let limits = EventQuery.limits
    arguments += [min(max(query.limit ?? EventQuery.usualLimit, limits.lowerBound), limits.upperBound)]
    let sql = "SELECT * FROM event WHERE \(conditions.joined(separator: " AND ")) ORDER BY id DESC LIMIT ?"
    do {
      return try queue.read { [arguments] in
        try Row.fetchAll($0, sql: sql, arguments: arguments).reversed().map(RecordedEvent.init)
      }
    } catch {
      throw StoreError(error, path: path)
    }
  }

  /// What was last said of each link.
  func lastLinkStates() throws(StoreError) -> [SiteName: (kind: JournalEntry.Kind, time: Timestamp)] {
    let kinds = JournalEntry.Kind.linkStates.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    do {
      return try queue.read { database in
        // The other columns are those of the row with the greatest id (SQLite, "bare columns in an aggregate").
        let sql = "SELECT max(id), site, kind, time FROM event WHERE kind IN (\(kinds)) GROUP BY site"
        return try Row.fetchAll(database, sql: sql).reduce(into: [:]) { states, row in
          guard let site = (row["site"] as String?).flatMap(SiteName.init),
            let kind = JournalEntry.Kind(rawValue: row["kind"])
          else { return }
          states[site] = (kind, Timestamp(seconds: row["time"]))
        }
      }
    } catch {
      throw StoreError(error, path: path)
    }
  }
}

extension RecordedEvent {
  fileprivate init(_ row: Row) {
    self.init(
      id: row["id"], time: Timestamp(seconds: row["time"]), kind: row["kind"], site: row["site"],
      text: row["text"])
  }
}
