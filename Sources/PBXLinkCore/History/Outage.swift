// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A time in which a link did not carry calls as it should.
public struct Outage: Hashable, Sendable {
  /// In which way.
  public enum Kind: String, Hashable, Sendable, Codable {
    /// Nothing came through by any path.
    case down
    /// Calls would have sounded poor.
    case degraded
  }

  /// In which way.
  public let kind: Kind
  /// When it began.
  public let began: Timestamp
  /// When it ended; nil while it lasts.
  public var ended: Timestamp?
  /// What was seen at its beginning.
  public let cause: String

  /// An outage.
  public init(_ kind: Kind, began: Timestamp, ended: Timestamp? = nil, cause: String) {
    (self.kind, self.began, self.ended, self.cause) = (kind, began, ended, cause)
  }

  /// How many of the seconds from one moment to another lie in it.
  func seconds(from start: Timestamp, to end: Timestamp) -> Int64 {
    max(0, min(ended ?? end, end) - max(began, start))
  }
}

extension Outage: Codable {
  enum CodingKeys: String, CodingKey { case kind, began, ended, cause }

  /// Decodes what ``encode(to:)`` has written.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try container.decode(Kind.self, forKey: .kind),
      began: try container.decode(RFC3339.self, forKey: .began).moment,
      ended: try container.decodeIfPresent(RFC3339.self, forKey: .ended)?.moment,
      cause: try container.decode(String.self, forKey: .cause))
  }

  /// Encodes all keys: one that lasts has a null end.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(kind, forKey: .kind)
    try container.encode(RFC3339(began), forKey: .began)
    try container.encode(ended.map(RFC3339.init), forKey: .ended)
    try container.encode(cause, forKey: .cause)
  }
}

/// Makes outages of what the probes show, one at a time for each link. What happened while the agent did not run, nobody
/// knows: an outage that was open then ends when the link is seen to work.
public struct OutageTracker: Sendable {
  /// A link at one moment.
  public enum Condition: Hashable, Sendable {
    case up
    case poor(Outage.Kind, cause: String)
    /// Nothing is known; what was known stays.
    case unknown
  }

  /// What to note.
  public enum Change: Hashable, Sendable {
    case began(SiteName, Outage)
    case ended(SiteName, Timestamp)
  }

  private var open: [SiteName: Outage.Kind]
  private var seenUp: Set<SiteName> = []

  /// Begins with the outages that had not ended when the last agent did.
  public init(open: [SiteName: Outage.Kind] = [:]) { self.open = open }

  /// Takes in how all links are now; one that is not among them is a link no more.
  public mutating func update(_ links: [SiteName: Condition], at now: Timestamp) -> [Change] {
    var changes: [Change] = []
    for site in Set(open.keys).union(links.keys).sorted() {
      let former = open[site]
      switch links[site] {
      case .unknown?: break
      case .up?, nil:
        if former != nil { changes.append(.ended(site, now)) }
        open[site] = nil
        if links[site] != nil { seenUp.insert(site) } else { seenUp.remove(site) }
      case .poor(let kind, let cause)?:
        // A site that is off from the start has no outage.
        guard former != kind, former != nil || seenUp.contains(site) || kind == .degraded else { continue }
        if former != nil { changes.append(.ended(site, now)) }
        open[site] = kind
        changes.append(.began(site, Outage(kind, began: now, cause: cause)))
      }
    }
    return changes
  }
}
