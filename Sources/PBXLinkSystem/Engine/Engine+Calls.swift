// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import Logging
internal import PBXLinkCore

/// What the engine knows of calls.
struct CallWatch {
  var tracker = CallTracker()
  /// What there was since the agent's start.
  var counts: [SiteName: [TrunkCall.Direction: CallCounts]] = [:]
  var refused = RefusedCalls()
  /// The sites with news since they were last compared with their past.
  var due: Set<SiteName> = []
  /// What was told of the calls of a day.
  var told: [SiteName: (day: Int, subjects: Set<String>)] = [:]
  /// Since when Asterisk has not told of its calls; nil while it does.
  var silence: Duration? = .zero

  /// Calls now with each site; nil while Asterisk does not tell.
  var current: [SiteName: Int]? {
    guard silence == nil else { return nil }
    return tracker.open.values.reduce(into: [:]) { $0[$1.site, default: 0] += 1 }
  }
}

extension Engine {
  /// Between two attempts to be told of calls.
  private static let callWatchPause = Duration.seconds(5)
  /// Calls are measured by a clock that nobody sets.
  private static let clockStart = ContinuousClock.now
  private var uptime: Duration { ContinuousClock.now - Self.clockStart }

  /// Follows the calls with peers for as long as Asterisk tells of them.
  func watchCalls() async throws {
    while true {
      if let trunk = planes?.trunk {
        do {
          try await trunk.watchCalls { await self.take($0) }
        } catch {
          try Task.checkCancellation()
          // What keeps Asterisk from being asked stands in status already.
          logger.debug("calls: \(error)")
        }
        if calls.silence == nil { calls.silence = uptime }
      }
      try await Task.sleep(for: Self.callWatchPause)
    }
  }

  private func take(_ news: AsteriskTrunkPlane.CallNews) {
    let (now, uptime) = (Self.clock(), uptime)
    let ended: [TrunkCall]
    switch news {
    case .channels(let channels):
      ended = calls.tracker.take(channels, silentSince: calls.silence, at: now, uptime: uptime)
      calls.silence = nil
    case .event(let event): ended = calls.tracker.take(event, at: now, uptime: uptime).map { [$0] } ?? []
    }
    guard !ended.isEmpty else { return }
    for call in ended {
      calls.counts[call.site, default: [:]][call.direction, default: CallCounts()].add(call)
      calls.due.insert(call.site)
      if let entry = calls.refused.entry(for: call, at: now) { journal(entry) }
    }
    if let history { note { try history.record(ended, in: LocalHour(now)) } }
  }

  /// Compares the calls of today with those of the days before, for each site that there is news of.
  func compareCalls() {
    let (now, uptime) = (Self.clock(), uptime)
    let open = Dictionary(grouping: calls.tracker.open.values, by: \.site)
    let sites = calls.due.union(open.keys)
    calls.due = []
    guard let history else { return }
    let hour = LocalHour(now)
    for site in sites {
      do {
        var hours = try history.callHours(with: site, since: hour.day - UnusualCalls.span)[site] ?? []
        hours += (open[site] ?? []).map { CallHour($0, in: hour, at: uptime) }
        let found = UnusualCalls.findings(on: hour.day, in: hours)
        if calls.told[site]?.day != hour.day {
          // What another run of the agent has told today.
          let isTold = try !store.events(.unusualCalls(with: site, since: hour.midnight(at: now))).isEmpty
          calls.told[site] = (hour.day, isTold ? Set(found.map(\.subject)) : [])
        }
        for finding in found where calls.told[site]?.subjects.insert(finding.subject).inserted == true {
          journal(UnusualCalls.entry(finding, with: site))
        }
      } catch {
        logger.error("the calls with '\(site)' cannot be compared with those of the days before: \(error)")
      }
    }
  }

  /// The calls of today with each site.
  func callsToday(_ history: HistoryStore) throws -> [SiteName: CallReport.Day] {
    let today = LocalHour(Self.clock()).day
    return try history.callHours(with: nil, since: today).reduce(into: [:]) { days, site in
      days[site.key] = CallReport.Day(today, site.key, site.value)
    }
  }

  /// `calls`: what is under way and what was.
  func callReport(_ query: CallQuery) throws -> CallReport {
    _ = try member()
    guard let history else { throw Failure(historyProblem ?? "no history is kept yet", .unavailable) }
    let now = Self.clock()
    let (days, limit) = (CallQuery.ranges.days, CallQuery.ranges.limit)
    let first = LocalHour(now).day + 1 - min(max(query.days, days.lowerBound), days.upperBound)
    return CallReport(
      open: calls.tracker.open.values.filter { query.site == nil || $0.site == query.site },
      hours: try history.callHours(with: query.site, since: first),
      calls: try history.calls(
        with: query.site, limit: min(max(query.limit, limit.lowerBound), limit.upperBound)),
      isHeard: calls.silence == nil, at: now, uptime: uptime)
  }
}

extension CallHour {
  /// A call that is under way.
  fileprivate init(_ call: CallTracker.Open, in hour: LocalHour, at uptime: Duration) {
    var counts = CallCounts()
    (counts.attempts, counts.seconds) = (1, call.seconds(at: uptime) ?? 0)
    self.init(hour, call.direction, counts)
  }
}

extension EventQuery {
  fileprivate static func unusualCalls(with site: SiteName, since moment: Timestamp) -> Self {
    var query = Self()
    (query.site, query.since, query.kinds) = (site, moment.seconds, [.callsUnusual])
    return query
  }
}

extension LocalHour {
  /// By the time zone of this server.
  fileprivate init(_ moment: Timestamp) {
    self.init(moment, secondsFromUTC: Self.secondsFromUTC(at: moment))
  }

  /// When its day has begun, at a moment of it.
  fileprivate func midnight(at moment: Timestamp) -> Timestamp {
    Timestamp(seconds: Int64(day) * 86_400 - Int64(Self.secondsFromUTC(at: moment)))
  }

  private static func secondsFromUTC(at moment: Timestamp) -> Int {
    var (time, parts) = (time_t(moment.seconds), tm())
    localtime_r(&time, &parts)
    return parts.tm_gmtoff
  }
}
