// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import GRDB
internal import Glibc
public import PBXLinkCore

/// The past of all links and their calls, in an SQLite file of its own: losing it loses nothing that a link needs. What is too old is
/// deleted with each hour.
public final class HistoryStore: Sendable {
  /// The database file.
  public let path: String
  private let queue: DatabaseQueue

  /// Seconds for which minutes, and hours with outages, are kept.
  static let lifetimes: (minutes: Int64, hours: Int64) = (86_400, 90 * 86_400)
  /// Outages of one link that are kept, for one that flaps all the time.
  static let outageLimit = 1_000

  /// Opens `history.sqlite` in a directory, and makes it when it is missing. Throws when it is damaged or newer; it is
  /// left as it is then.
  public init(directory: String) throws(StoreError) {
    path = directory + "/history.sqlite"
    do {
      let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw StoreError(errno: errno, path: path) }
      close(descriptor)
      var configuration = GRDB.Configuration()
      configuration.busyMode = .timeout(5)
      configuration.prepareDatabase { database in
        try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
      }
      queue = try DatabaseQueue(path: path, configuration: configuration)
      guard try queue.read({ try !Self.migrator.hasBeenSuperseded($0) }) else {
        throw StoreError.newer(path: path)
      }
      try Self.migrator.migrate(queue)
    } catch {
      throw StoreError(error, path: path)
    }
  }

  private static let migrator: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { database in
      try database.execute(
        sql: """
          CREATE TABLE sample (
            length INTEGER NOT NULL, site TEXT NOT NULL, time INTEGER NOT NULL, path TEXT NOT NULL, rtt REAL NOT NULL,
            rtt_max REAL NOT NULL, loss_transmit REAL, loss_receive REAL, jitter REAL, mos REAL,
            PRIMARY KEY (length, site, time)) STRICT, WITHOUT ROWID;
          CREATE INDEX sample_time ON sample (length, time);
          CREATE TABLE outage (
            id INTEGER PRIMARY KEY, site TEXT NOT NULL, kind TEXT NOT NULL, began INTEGER NOT NULL, ended INTEGER,
            cause TEXT NOT NULL) STRICT;
          CREATE INDEX outage_site ON outage (site, began);
          """)
    }
    migrator.registerMigration("2") { try makeCallTables($0) }
    return migrator
  }()

  /// Adds the minute that has just ended of each link. With the first one of an hour the hour before it is made of its
  /// minutes, and what is too old goes.
  public func record(_ samples: [SiteName: LinkSample], at now: Timestamp) throws(StoreError) {
    try write { database in
      for (site, sample) in samples { try Self.insert(sample, of: site, in: database) }
      let hour = LinkSample.hour(of: now)
      try Self.makeHours(before: hour, in: database)
      try database.execute(
        sql: "DELETE FROM sample WHERE length = ? AND time < ? OR length = ? AND time < ?",
        arguments: [
          LinkSample.minute, now.seconds - Self.lifetimes.minutes, LinkSample.hour,
          now.seconds - Self.lifetimes.hours,
        ])
      try database.execute(
        sql: "DELETE FROM outage WHERE ended < ?", arguments: [now.seconds - Self.lifetimes.hours])
      try Self.removeOldCalls(from: database, at: now)
    }
  }

  /// Notes the beginning and the end of outages.
  public func record(_ changes: [OutageTracker.Change]) throws(StoreError) {
    try write { database in
      for change in changes {
        switch change {
        case .ended(let site, let moment):
          // A clock that went back must not end it before its beginning.
          try database.execute(
            sql: "UPDATE outage SET ended = max(began, ?) WHERE site = ? AND ended IS NULL",
            arguments: [moment.seconds, site.description])
        case .began(let site, let outage):
          try database.execute(
            sql: "INSERT INTO outage (site, kind, began, cause) VALUES (?, ?, ?, ?)",
            arguments: [site.description, outage.kind.rawValue, outage.began.seconds, outage.cause])
          try database.execute(
            sql: """
              DELETE FROM outage WHERE site = ? AND id <= (
                SELECT id FROM outage WHERE site = ? ORDER BY id DESC LIMIT 1 OFFSET ?)
              """, arguments: [site.description, site.description, Self.outageLimit])
        }
      }
    }
  }

  /// The outages that have not ended.
  public func openOutages() throws(StoreError) -> [SiteName: Outage.Kind] {
    try read { database in
      try Row.fetchAll(database, sql: "SELECT site, kind FROM outage WHERE ended IS NULL ORDER BY id").reduce(
        into: [:]
      ) { open, row in
        guard let site = SiteName(row["site"] as String) else { return }
        open[site] = Outage.Kind(rawValue: row["kind"])
      }
    }
  }

  /// The past of one link.
  public func history(of site: SiteName, at now: Timestamp) throws(StoreError) -> LinkHistory {
    try read { database in
      func samples(_ length: Int64) throws -> [LinkSample] {
        try Row.fetchAll(
          database, sql: "SELECT * FROM sample WHERE length = ? AND site = ? ORDER BY time",
          arguments: [length, site.description]
        ).compactMap(LinkSample.init)
      }
      let outages = try Row.fetchAll(
        database, sql: "SELECT * FROM outage WHERE site = ? ORDER BY began, id", arguments: [site.description]
      ).compactMap(Outage.init)
      return LinkHistory(
        of: site, minutes: try samples(LinkSample.minute), hours: try samples(LinkSample.hour),
        outages: outages, at: now)
    }
  }

  /// The last day of all links.
  public func pasts(at now: Timestamp) throws(StoreError) -> [SiteName: LinkPast] {
    let start = LinkPast.start(at: now)
    return try read { database in
      var parts: [SiteName: [Int: LinkPast.Part]] = [:]
      let samples = try Row.fetchAll(
        database,
        sql: """
          SELECT site, (time - ?) / ? AS part, avg(rtt) AS rtt, avg(max(
            coalesce(loss_transmit, loss_receive), coalesce(loss_receive, loss_transmit))) AS loss
          FROM sample WHERE length = ? AND time >= ? GROUP BY site, part
          """, arguments: [start.seconds, LinkPast.partLength, LinkSample.minute, start.seconds])
      for row in samples {
        guard let site = SiteName(row["site"] as String) else { continue }
        parts[site, default: [:]][row["part"]] = LinkPast.Part(roundTrip: row["rtt"], loss: row["loss"])
      }
      var outages: [SiteName: [Outage]] = [:]
      for row in try Row.fetchAll(
        database, sql: "SELECT * FROM outage WHERE ended IS NULL OR ended > ? ORDER BY began, id",
        arguments: [start.seconds])
      {
        guard let site = SiteName(row["site"] as String), let outage = Outage(row) else { continue }
        outages[site, default: []].append(outage)
      }
      return Set(parts.keys).union(outages.keys).reduce(into: [:]) { pasts, site in
        pasts[site] = LinkPast(start: start, parts: parts[site] ?? [:], outages: outages[site] ?? [])
      }
    }
  }

  /// Closes the database and removes its files.
  public func erase() throws(StoreError) {
    do {
      try queue.erase()
    } catch {
      throw StoreError(error, path: path)
    }
  }

  private static func insert(_ sample: LinkSample, of site: SiteName, in database: Database) throws {
    try database.execute(
      sql: "INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        sample.length, site.description, sample.time.seconds, sample.path.rawValue, sample.roundTrip,
        sample.longestRoundTrip, sample.lossTransmit, sample.lossReceive, sample.jitter, sample.mos,
      ])
  }

  /// The hours whose minutes are there and that are over, but not made yet.
  private static func makeHours(before hour: Timestamp, in database: Database) throws {
    let last = try Int64.fetchOne(
      database, sql: "SELECT max(time) FROM sample WHERE length = ?", arguments: [LinkSample.hour])
    let rows = try Row.fetchAll(
      database, sql: "SELECT * FROM sample WHERE length = ? AND time >= ? AND time < ? ORDER BY time",
      arguments: [LinkSample.minute, last.map { $0 + LinkSample.hour } ?? 0, hour.seconds])
    let found = rows.compactMap { row -> (key: Key, sample: LinkSample)? in
      guard let site = SiteName(row["site"] as String), let sample = LinkSample(row) else { return nil }
      return (Key(site: site, hour: LinkSample.hour(of: sample.time)), sample)
    }
    for (key, minutes) in Dictionary(grouping: found, by: \.key) {
      guard let sample = LinkSample.merged(minutes.map(\.sample), into: key.hour) else { continue }
      try insert(sample, of: key.site, in: database)
    }
  }

  private struct Key: Hashable {
    let site: SiteName
    let hour: Timestamp
  }

  func write(_ body: (Database) throws -> Void) throws(StoreError) {
    do {
      try queue.write(body)
    } catch {
      throw StoreError(error, path: path)
    }
  }

  func read<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
    do {
      return try queue.read(body)
    } catch {
      throw StoreError(error, path: path)
    }
  }
}

extension LinkSample {
  fileprivate init?(_ row: Row) {
    guard let path = TunnelPath(rawValue: row["path"]) else { return nil }
    self.init(
      time: Timestamp(seconds: row["time"]), length: row["length"], path: path, roundTrip: row["rtt"],
      longestRoundTrip: row["rtt_max"], lossTransmit: row["loss_transmit"], lossReceive: row["loss_receive"],
      jitter: row["jitter"], mos: row["mos"])
  }
}

extension Outage {
  fileprivate init?(_ row: Row) {
    guard let kind = Kind(rawValue: row["kind"]) else { return nil }
    self.init(
      kind, began: Timestamp(seconds: row["began"]),
      ended: (row["ended"] as Int64?).map(Timestamp.init(seconds:)), cause: row["cause"])
  }
}
