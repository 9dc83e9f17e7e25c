// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// `pbxlink calls`: the calls that are under way, those of the last days, and how many there were.
public struct CallReport: Hashable, Sendable, Codable {
  /// A call that is under way.
  public struct Current: Hashable, Sendable, Codable {
    /// The other end.
    public let site: SiteName
    /// Who has placed it.
    public let direction: TrunkCall.Direction
    /// The caller's number and the one called, as far as they are known.
    public let caller, number: String?
    /// When it began, RFC 3339.
    public let began: String
    /// For how long it has been talked; nil before it was answered.
    public let seconds: Int64?

    init(_ call: CallTracker.Open, at uptime: Duration) {
      (site, direction, caller, number) = (call.site, call.direction, call.caller, call.number)
      (began, seconds) = (call.began.description, call.seconds(at: uptime))
    }
  }

  /// The calls with a site on a day of this server's clock.
  public struct Day: Hashable, Sendable, Codable {
    /// Such as 2026-11-30.
    public let date: String
    /// The other end.
    public let site: SiteName
    /// Calls from there.
    public var incoming = CallCounts()
    /// Calls to there.
    public var outgoing = CallCounts()

    enum CodingKeys: String, CodingKey {
      case date, site
      case incoming = "in"
      case outgoing = "out"
    }

    /// The sum of hours of one day.
    public init(_ day: Int, _ site: SiteName, _ hours: [CallHour]) {
      (date, self.site) = (LocalHour.date(ofDay: day), site)
      for hour in hours {
        switch hour.direction {
        case .incoming: incoming += hour.counts
        case .outgoing: outgoing += hour.counts
        }
      }
    }

    /// Both directions together.
    var both: CallCounts {
      var both = outgoing
      both += incoming
      return both
    }

    /// Such as "12, 34 min talked, 2 refused".
    var words: String {
      let both = both
      let refused = both.refusedLimit + both.refusedAuthentication
      return "\(both.attempts), \(Seconds.words(both.seconds)) talked"
        + (refused > 0 ? ", \(refused) refused" : "")
    }
  }

  /// The form of this document.
  public var schema = "pbxlink.calls/1"
  /// When it was made, RFC 3339.
  public let time: String
  /// Whether Asterisk is telling of its calls; without it there is none in ``now``, and none is counted.
  public let isHeard: Bool
  /// The calls that are under way, the oldest first.
  public let now: [Current]
  /// Days with calls, the oldest first.
  public let days: [Day]
  /// The last calls, the oldest first.
  public let calls: [TrunkCall]

  enum CodingKeys: String, CodingKey {
    case schema, time, now, days, calls
    case isHeard = "asterisk_heard"
  }

  /// A report.
  /// - Parameter hours: of each site, from the first day that is asked for.
  public init(
    open: [CallTracker.Open], hours: [SiteName: [CallHour]], calls: [TrunkCall], isHeard: Bool,
    at time: Timestamp, uptime: Duration
  ) {
    (self.time, self.isHeard, self.calls) = (time.description, isHeard, calls)
    now = open.sorted { ($0.began, $0.site) < ($1.began, $1.site) }.map { Current($0, at: uptime) }
    days = hours.flatMap { site, hours in
      Dictionary(grouping: hours, by: \.time.day).map { Day($0, site, $1) }
    }.sorted { ($0.date, $0.site) < ($1.date, $1.site) }
  }

  /// For a terminal: what is under way, and the days or each call.
  public func lines(log: Bool) -> [String] {
    var lines = isHeard ? [] : ["! Asterisk does not tell of its calls; see 'pbxlink status'.", ""]
    if now.isEmpty {
      if isHeard { lines += ["No calls now.", ""] }
    } else {
      let rows = now.map { call in
        [
          call.site.description, call.direction.rawValue, call.caller ?? "-", call.number ?? "-",
          call.seconds.map { "talking \(Seconds.words($0))" } ?? "ringing",
        ]
      }
      lines += TextTable(["NOW WITH", "DIR", "FROM", "TO", "STATE"], rows: rows).lines + [""]
    }
    return lines + (log ? logLines : dayLines)
  }

  private var logLines: [String] {
    guard !calls.isEmpty else { return ["No calls yet."] }
    return TextTable(
      ["BEGAN", "SITE", "DIR", "FROM", "TO", "TALKED", "OUTCOME"],
      rows: calls.map { call in
        [
          call.began.description, call.site.description, call.direction.rawValue, call.caller ?? "-",
          call.number ?? "-", call.outcome == .answered ? Seconds.words(call.seconds) : "-",
          call.outcome.rawValue,
        ]
      }
    ).lines
  }

  private var dayLines: [String] {
    guard !days.isEmpty else { return ["No calls in these days."] }
    return TextTable(
      ["DAY", "SITE", "OUT", "MIN", "IN", "MIN", "UNANSWERED", "LIMIT", "AUTH", "FAILED"],
      rows: days.map { day in
        let both = day.both
        return [
          day.date, day.site.description, "\(day.outgoing.attempts)", "\(day.outgoing.seconds / 60)",
          "\(day.incoming.attempts)", "\(day.incoming.seconds / 60)", "\(both.unanswered)",
          "\(both.refusedLimit)", "\(both.refusedAuthentication)", "\(both.failed)",
        ]
      }
    ).lines
  }
}

extension CallReport.Current {
  /// Encodes all keys.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(site, forKey: .site)
    try container.encode(direction, forKey: .direction)
    try container.encode(caller, forKey: .caller)
    try container.encode(number, forKey: .number)
    try container.encode(began, forKey: .began)
    try container.encode(seconds, forKey: .seconds)
  }
}

/// Which calls are asked for.
public struct CallQuery: Hashable, Sendable, Codable {
  /// Only those with this site.
  public var site: SiteName?
  /// The last so many days, today among them.
  public var days: Int
  /// The last so many calls.
  public var limit: Int

  /// What can be asked for.
  public static let ranges = (days: 1...90, limit: 0...10_000)

  /// Some of the past.
  public init(site: SiteName? = nil, days: Int = 7, limit: Int = 50) {
    (self.site, self.days, self.limit) = (site, days, limit)
  }
}
