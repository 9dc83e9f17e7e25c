// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import GRDB
internal import Glibc
public import PBXLinkCore

/// The site's memory: documents, single values and the journal, in SQLite.
///
/// Write-ahead log with full synchronisation, so that a committed step survives a power cut; one connection, and
/// one transaction a step. A damaged file is an error and is never replaced by an empty one.
public final class Store: Sendable {
  /// The database file.
  public let path: String
  let queue: DatabaseQueue

  /// Opens `state.sqlite` in a directory, both of which are made (0700, 0600) when they are missing.
  public init(directory: String) throws(StoreError) {
    path = directory + "/state.sqlite"
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      if access(path, F_OK) != 0 { try Self.create(path) }
      guard try Self.size(path) > 0 else { throw StoreError.damaged(path: path, detail: "the file is empty") }
      try Self.check(path)
      queue = try DatabaseQueue(path: path, configuration: Self.configuration)
      try Self.migrator.migrate(queue)
    } catch {
      throw StoreError(error, path: path)
    }
  }

  private static var configuration: GRDB.Configuration {
    var configuration = GRDB.Configuration()
    configuration.busyMode = .timeout(5)
    configuration.prepareDatabase { database in
      try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    }
    return configuration
  }

  /// Makes a database under another name and renames it when it is whole. SQLite takes an empty file for a new
  /// database, so without this a file that a crash has truncated could not be told from one just begun. It has its
  /// write-ahead log from the first: a change of the journal that is cut off has to be rolled back by whoever opens the
  /// file next, which reading alone cannot.
  private static func create(_ path: String) throws {
    let draft = path + ".new"
    for suffix in ["", "-journal", "-wal", "-shm"] where access(draft + suffix, F_OK) == 0 {
      try FileManager.default.removeItem(atPath: draft + suffix)
    }
    // The files that SQLite makes beside it take this mode.
    let descriptor = open(draft, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw StoreError(errno: errno, path: draft) }
    close(descriptor)
    let queue = try DatabaseQueue(path: draft, configuration: configuration)
    try migrator.migrate(queue)
    try queue.close()
    guard rename(draft, path) == 0 else { throw StoreError(errno: errno, path: path) }
  }

  private static func size(_ path: String) throws -> off_t {
    var status = stat()
    guard stat(path, &status) == 0 else { throw StoreError(errno: errno, path: path) }
    return status.st_size
  }

  /// Refuses what is damaged or of a newer version. It only reads: another connection would begin by writing.
  private static func check(_ path: String) throws {
    var options = GRDB.Configuration()
    options.readonly = true
    options.busyMode = .timeout(5)
    let queue = try DatabaseQueue(path: path, configuration: options)
    try queue.read { database in
      let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "no answer"
      guard verdict == "ok" else { throw StoreError.damaged(path: path, detail: verdict) }
      guard try !migrator.hasBeenSuperseded(database) else { throw StoreError.newer(path: path) }
    }
  }

  private static let migrator: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { database in
      try database.execute(
        sql: """
          CREATE TABLE document (position INTEGER PRIMARY KEY, jws TEXT NOT NULL, received_at INTEGER NOT NULL) STRICT;
          CREATE TABLE meta (key TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
          CREATE TABLE event (
            id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL, site TEXT, text TEXT NOT NULL) STRICT;
          CREATE INDEX event_time ON event (time);
          """)
    }
    return migrator
  }()

  /// Everything that an agent starts from.
  public func load() throws(StoreError) -> StoredState {
    do {
      return try queue.read { try StoredState(in: $0, path: path) }
    } catch {
      throw StoreError(error, path: path)
    }
  }

  /// Makes the changes in one transaction: all of them are on disk when it returns, or none.
  public func commit(_ changes: [StoreChange], at now: Timestamp) throws(StoreError) {
    do {
      try queue.write { database in
        for change in changes { try Self.make(change, in: database, at: now) }
      }
    } catch {
      throw StoreError(error, path: path)
    }
  }

  private static func make(_ change: StoreChange, in database: Database, at now: Timestamp) throws {
    switch change {
    case .replaceDocuments(let documents):
      let kept = Set(documents)
      for jws in try String.fetchAll(database, sql: "SELECT jws FROM document") where !kept.contains(jws) {
        try database.execute(sql: "DELETE FROM document WHERE jws = ?", arguments: [jws])
      }
      let held = Set(try String.fetchAll(database, sql: "SELECT jws FROM document"))
      for jws in documents where !held.contains(jws) {
        try database.execute(
          sql: "INSERT INTO document (jws, received_at) VALUES (?, ?)", arguments: [jws, now.seconds])
      }
    case .putMeta(let key, let json):
      try database.execute(
        sql:
          "INSERT INTO meta (key, json) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET json = excluded.json",
        arguments: [key.rawValue, json])
    case .appendEvent(let entry):
      try database.execute(
        sql: "INSERT INTO event (time, kind, site, text) VALUES (?, ?, ?, ?)",
        arguments: [now.seconds, entry.kind.rawValue, entry.site?.description, entry.text])
      try database.execute(
        sql: "DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?", arguments: [journalLimit])
    }
  }

  /// Lines of the journal that are kept; older ones go.
  private static let journalLimit = 100_000

  /// The bytes of a database file as it is at one moment, also while an agent writes to it; by SQLite's online
  /// backup. The copy lies beside it meanwhile.
  static func snapshot(of path: String) throws(StoreError) -> Data {
    let copy = "\(path).\(getpid()).backup"
    defer { for suffix in ["", "-journal", "-wal", "-shm"] { unlink(copy + suffix) } }
    do {
      let descriptor = open(copy, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw StoreError(errno: errno, path: copy) }
      close(descriptor)
      var options = GRDB.Configuration()
      options.readonly = true
      options.busyMode = .timeout(5)
      let source = try DatabaseQueue(path: path, configuration: options)
      let target = try DatabaseQueue(path: copy)
      try source.backup(to: target)
      try target.close()
      return try Data(contentsOf: URL(filePath: copy))
    } catch {
      throw StoreError(error, path: path)
    }
  }

  /// Ends the use of the database; its write-ahead log is then in the file itself.
  func closeDatabase() throws(StoreError) {
    do {
      try queue.close()
    } catch {
      throw StoreError(error, path: path)
    }
  }

  /// Closes the database and removes its files; for a site that leaves its mesh for good.
  public func erase() throws(StoreError) {
    do {
      try queue.erase()
    } catch {
      throw StoreError(error, path: path)
    }
  }
}
