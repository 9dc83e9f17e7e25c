// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A line of the journal as it was written.
public struct RecordedEvent: Hashable, Sendable, Codable {
  /// Its number; later ones have greater numbers.
  public let id: Int64
  /// When it was written, RFC 3339.
  public let time: String
  /// The kind, as ``JournalEntry/Kind`` has it, or one of another version.
  public let kind: String
  /// The site it concerns.
  public let site: String?
  /// A sentence for people.
  public let text: String

  /// An event.
  public init(id: Int64, time: Timestamp, kind: String, site: String?, text: String) {
    (self.id, self.time, self.kind) = (id, time.description, kind)
    (self.site, self.text) = (site, text)
  }

  /// Encodes all keys.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(id, forKey: .id)
    try container.encode(time, forKey: .time)
    try container.encode(kind, forKey: .kind)
    try container.encode(site, forKey: .site)
    try container.encode(text, forKey: .text)
  }

  /// For a terminal.
  public var line: String {
    let column = 22
    return "\(time)  \(kind)\(String(repeating: " ", count: max(1, column - kind.count)))\(text)"
  }
}

/// Some of the journal, the oldest first.
public struct EventList: Hashable, Sendable, Codable {
  /// The form of this document.
  public var schema = "pbxlink.events/1"
  /// The events.
  public let events: [RecordedEvent]

  /// A part of the journal.
  public init(_ events: [RecordedEvent]) { self.events = events }
}

/// Which part of the journal is asked for; all conditions must be met.
public struct EventQuery: Hashable, Sendable, Codable {
  /// Only what came after this one.
  public var after: Int64?
  /// Only what was written at this moment or later, in seconds since the epoch.
  public var since: Int64?
  /// Only what concerns this site.
  public var site: SiteName?
  /// Only of these kinds.
  public var kinds: [JournalEntry.Kind]?
  /// The last so many of them; nil: ``usualLimit``.
  public var limit: Int?

  /// Events that are given when nobody says how many.
  public static let usualLimit = 50

  /// Most events that are given at a time.
  public static let limits = 1...10_000

  /// The last 50.
  public init() {}
}
