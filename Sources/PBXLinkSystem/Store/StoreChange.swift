// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import GRDB
public import PBXLinkCore

/// One change of the store; all changes of a step go into one transaction.
public enum StoreChange: Hashable, Sendable {
  /// The documents, verbatim, in place of those that were there.
  case replaceDocuments([String])
  /// A value in JSON; made by ``setMeta(_:_:)``.
  case putMeta(MetaKey, json: String)
  /// A line of the journal.
  case appendEvent(JournalEntry)

  /// Single values that a site keeps.
  public enum MetaKey: String, Hashable, Sendable {
    case mesh, invitations
    /// Sites admitted by request whose descriptors have not arrived.
    case awaited
    case highestTime = "highest_time"
    case isDown = "is_down"
    case keyGenerations = "key_generations"
    case restoredFrom = "restored_from"
    case authorityExported = "authority_exported"
    /// The last events that each kind of hook is done with.
    case webhookPosition = "webhook_position"
    case hookCommandPosition = "hook_command_position"
  }

  /// Sets a single value.
  public static func setMeta(_ key: MetaKey, _ value: some Encodable) throws -> Self {
    .putMeta(key, json: String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
  }
}

/// What a store holds.
public struct StoredState: Sendable {
  let path: String
  /// The documents, verbatim.
  public let documents: [String]
  let meta: [String: String]

  /// Reads everything at once.
  init(in database: Database, path: String) throws {
    let rows = try Row.fetchAll(database, sql: "SELECT key, json FROM meta")
    self.path = path
    documents = try String.fetchAll(database, sql: "SELECT jws FROM document ORDER BY position")
    meta = Dictionary(uniqueKeysWithValues: rows.map { ($0["key"], $0["json"]) })
  }

  /// A single value; nil when it was never set, or set to nil. Throws when it does not decode: a damaged value is not "none".
  public func meta<Value: Decodable>(_ key: StoreChange.MetaKey) throws(StoreError) -> Value? {
    guard let json = meta[key.rawValue], json != "null" else { return nil }
    do {
      return try JSONDecoder().decode(Value.self, from: Data(json.utf8))
    } catch {
      throw .unreadableValue(path: path, key: key.rawValue, detail: "\(error)")
    }
  }
}
