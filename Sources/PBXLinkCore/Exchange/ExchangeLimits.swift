// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// How much work a member can make for this site. Every member has its own measure, so one that floods takes nothing
/// from the others; and only what leads to nothing is measured, so whoever brings news is not held up.
///
/// Lists of revocations, successions and charters have a measure of their own, of which some are left in each message:
/// what a member sends beside a list cannot keep that list out, and lists that it forges hold up nobody's but its own.
struct ExchangeLimits: Hashable, Sendable {
  /// Documents from one member that are bad or old.
  static let idleDocuments = TokenBucket.Rate(burst: 1_000, perMinute: 600)
  /// Lists of revocations and the like from one member that are bad or old.
  static let idleLists = TokenBucket.Rate(burst: 200, perMinute: 60)
  /// Lists that are looked at in each message all the same.
  static let listsAtLeast = 10
  /// Descriptors of one member, whoever brings them. A site that changes more often is behind for a while.
  static let descriptors = TokenBucket.Rate(burst: 20, perMinute: 6)
  /// Sites that one member leaves to us.
  static let errands = TokenBucket.Rate(burst: 10_000, perMinute: 4_000)
  /// Entries of the journal about one member's bad documents.
  static let entries = TokenBucket.Rate(burst: 20, perMinute: 1)
  /// Bytes of requests from one member, and of documents that it is sent by comparisons: a directory of thousands of
  /// sites at once.
  static let requestBytes = TokenBucket.Rate(burst: 64 << 20, perMinute: 8 << 20)
  /// Pairs of conflicting documents on one subject that are told.
  static let forks = 8

  private enum Measure: Hashable {
    case idleDocuments(SiteName)
    case idleLists(SiteName)
    case descriptors(identity: String)
    case errands(SiteName)
    case entries(SiteName)
    case requestBytes(SiteName)

    var rate: TokenBucket.Rate {
      switch self {
      case .idleDocuments: ExchangeLimits.idleDocuments
      case .idleLists: ExchangeLimits.idleLists
      case .descriptors: ExchangeLimits.descriptors
      case .errands: ExchangeLimits.errands
      case .entries: ExchangeLimits.entries
      case .requestBytes: ExchangeLimits.requestBytes
      }
    }
  }

  // Of members only, so there are a few for each site that the authority ever admitted.
  private var buckets: [Measure: TokenBucket] = [:]
  private var toldForks: [String: Set<String>] = [:]

  private func hasRoom(_ measure: Measure, at now: Timestamp) -> Bool {
    buckets[measure].map { $0.level(at: now) >= 1 } ?? true
  }

  private mutating func take(_ count: Int, of measure: Measure, at now: Timestamp) -> Bool {
    buckets[measure, default: TokenBucket(measure.rate, at: now)].take(count, at: now)
  }

  /// Whether to look at a document.
  /// - Parameter lists: how many lists of the same message came before it.
  func admits(
    _ header: JWS.Header?, from sender: SiteName?, listsBefore lists: Int, at now: Timestamp
  ) -> Bool {
    guard let sender else { return true }
    if header?.isOfTrust == true {
      return lists < Self.listsAtLeast || hasRoom(.idleLists(sender), at: now)
    }
    if let header, header.kind == DocumentKind.descriptor.rawValue,
      !hasRoom(.descriptors(identity: header.keyID), at: now)
    {
      return false
    }
    return hasRoom(.idleDocuments(sender), at: now)
  }

  /// Counts a document that led to nothing.
  mutating func noteIdle(_ header: JWS.Header?, from sender: SiteName?, at now: Timestamp) {
    guard let sender else { return }
    let isList = header?.isOfTrust == true
    _ = take(1, of: isList ? .idleLists(sender) : .idleDocuments(sender), at: now)
  }

  /// Counts a descriptor that is now held.
  mutating func noteDescriptor(_ header: JWS.Header?, at now: Timestamp) {
    guard let header, header.kind == DocumentKind.descriptor.rawValue else { return }
    _ = take(1, of: .descriptors(identity: header.keyID), at: now)
  }

  /// Whether to run a member's errand.
  mutating func admits(_ errand: Errand, from sender: SiteName, at now: Timestamp) -> Bool {
    errand.count == 0 || take(errand.count, of: .errands(sender), at: now)
  }

  /// Whether to write an entry about a member.
  mutating func admitsEntry(about sender: SiteName?, at now: Timestamp) -> Bool {
    sender.map { take(1, of: .entries($0), at: now) } ?? true
  }

  /// Whether to read a request of that many bytes.
  mutating func admits(bytes: Int, from sender: SiteName, at now: Timestamp) -> Bool {
    take(bytes, of: .requestBytes(sender), at: now)
  }

  /// Whether a fork is news: each pair is told once, and of one subject only a few.
  mutating func isNews(_ change: DirectoryChange) -> Bool {
    guard case .forked(let kind, let subject, _, _) = change else { return true }
    let key = "\(kind.rawValue) \(subject)"
    guard toldForks[key, default: []].count < Self.forks else { return false }
    return toldForks[key, default: []].insert(change.description).inserted
  }
}

/// What came in from other sites since the agent started.
public struct ExchangeCounters: Hashable, Sendable, Codable {
  /// Documents that changed the directory.
  public var accepted = 0
  /// Documents that nobody may believe.
  public var refused = 0
  /// Documents that were not looked at: their sender or their writer was over its limit.
  public var limited = 0
  /// Pairs of documents that contradict each other.
  public var forks = 0
  /// Requests that were not answered: too many bytes in a short time.
  public var requestsLimited = 0
  /// Connections that were closed: too slow, or too many at a time.
  public var connectionsCutOff = 0
}
