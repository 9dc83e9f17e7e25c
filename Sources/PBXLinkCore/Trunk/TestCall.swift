// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What became of a test call: a call to `plkprobe` at the other end, which is authenticated, encrypted and admitted as any
/// other one is. Only that proves the keys, the address list and the firewall of a trunk; POKE is answered to anyone.
public struct TestCall: Hashable, Sendable, Codable {
  /// How it ended.
  public enum Outcome: String, Hashable, Sendable, Codable {
    /// It was taken.
    case answered
    /// Asterisk there has refused it: no account of ours, or not for our address.
    case refused
    /// It was neither taken nor refused, as when the keys differ.
    case unanswered = "no_answer"
    /// Nothing came from there.
    case unreachable

    /// For people.
    public var words: String {
      switch self {
      case .answered: "answered"
      case .refused: "refused"
      case .unanswered: "no answer, as when the keys differ"
      case .unreachable: "nothing came back"
      }
    }

    /// By the reason in AMI's OriginateResponse, which is the last control frame of the call (`AST_CONTROL_…`).
    public init(originateReason reason: String?) {
      self =
        switch reason {
        case "4": .answered
        case "3": .unanswered
        case "8": .unreachable
        default: .refused
        }
    }
  }

  /// How it ended.
  public let outcome: Outcome
  /// When it ended, RFC 3339.
  public let time: String
  /// Until then, in seconds.
  public let seconds: Double

  /// What to do when they are not taken though Asterisk there answers.
  static let advice =
    "Asterisk over there answers and does not take calls from here: its trunk to us is missing or has other keys. Run "
    + "'pbxlink doctor' and 'pbxlink why' there."

  /// A call that has ended.
  public init(_ outcome: Outcome, after duration: Duration, at time: Timestamp) {
    (self.outcome, self.time, seconds) = (outcome, time.description, duration.seconds)
  }
}

/// When to place a test call to which site: when its link comes up or its path changes, each five minutes while no call is
/// up, and soon again when one was not taken.
public struct TestCallSchedule: Sendable {
  static let interval = Duration.seconds(300)
  static let retry = Duration.seconds(10)
  /// While a call is up.
  static let busyInterval = Duration.seconds(30)
  /// One may be lost with a packet, or meet a reload; so many in a row are no accident.
  static let limit = 2

  private struct Site {
    var last: TestCall?
    var failures = 0
    var due = Duration.zero
    /// Since when its path was as it is.
    var since: Duration?
  }

  private var sites: [SiteName: Site] = [:]

  /// None placed yet.
  public init() {}

  /// The site to call now, if any.
  /// - Parameter ready: the sites whose links are up, as far as can be told without a call, and since when their paths are
  ///   as they are.
  public mutating func next(among ready: [SiteName: Duration], at now: Duration) -> SiteName? {
    for name in Set(sites.keys).union(ready.keys) where sites[name]?.since != ready[name] {
      sites[name, default: Site()].due = .zero
      sites[name]?.since = ready[name]
    }
    let due = ready.keys.compactMap { name in sites[name].map { (due: $0.due, name: name) } }
    return due.filter { $0.due <= now }.min(by: <)?.name
  }

  /// A call is up, or Asterisk here cannot be asked.
  public mutating func postpone(_ site: SiteName, at now: Duration) {
    sites[site, default: Site()].due = now + Self.busyInterval
  }

  /// Notes what became of one; true when it changes whether calls are taken.
  public mutating func note(_ call: TestCall, to name: SiteName, at now: Duration) -> Bool {
    var site = sites[name] ?? Site()
    let wereRefused = site.failures >= Self.limit
    site.last = call
    site.failures = call.outcome == .answered ? 0 : min(site.failures + 1, Self.limit)
    site.due = now + (call.outcome == .answered ? Self.interval : Self.retry)
    sites[name] = site
    return wereRefused != (site.failures >= Self.limit)
  }

  /// Forgets all sites but these.
  public mutating func keep(_ known: Set<SiteName>) { sites = sites.filter { known.contains($0.key) } }

  /// The last call to each site.
  public var last: [SiteName: TestCall] { sites.compactMapValues(\.last) }
  /// The sites that do not take calls.
  public var refusing: Set<SiteName> { Set(sites.filter { $0.value.failures >= Self.limit }.keys) }
}
