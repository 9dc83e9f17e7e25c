// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What is unlike the past in today's calls with a site: the look at the call log that nobody takes every day.
///
/// It compares a site with its own last four weeks and says nothing in the first one. It finds what is far more than usual and
/// what comes at odd hours; fraud that keeps within both it cannot see, so the limit of calls and a narrow dialplan come first.
public enum UnusualCalls {
  /// Something unusual.
  public enum Finding: Hashable, Sendable {
    /// Minutes talked; `most` on any day but one before.
    case minutes(TrunkCall.Direction, today: Int, most: Int)
    /// Calls, whatever became of them.
    case attempts(TrunkCall.Direction, today: Int, most: Int)
    /// Calls in hours of the day, 0 to 23, in which there were none.
    case oddHours(calls: Int, hours: [Int])

    /// What it is about, whatever its figures are: told once a day.
    public var subject: String {
      switch self {
      case .minutes(let direction, _, _): "minutes \(direction.rawValue)"
      case .attempts(let direction, _, _): "attempts \(direction.rawValue)"
      case .oddHours: "odd hours"
      }
    }
  }

  /// Days that are compared with.
  public static let span = 28
  /// Days before there is anything to compare with.
  static let apprenticeship = 7
  /// So many times as much as on any other day, and no less than these, are unusual.
  static let factor = 3
  static let least = (minutes: 60, attempts: 30)
  /// Calls at odd hours that are told of, and calls in the past that it takes to know which hours are odd.
  static let oddCalls = (told: 3, known: 20)
  /// Hours beside one with calls that are not odd either.
  static let margin = 2

  /// Compares a day with the ones before it.
  /// - Parameter hours: of one site.
  public static func findings(on day: Int, in hours: [CallHour]) -> [Finding] {
    let past = hours.filter { ((day - span)..<day).contains($0.time.day) }
    guard let first = past.map(\.time.day).min(), day - first >= apprenticeship else { return [] }
    let today = hours.filter { $0.time.day == day }
    return TrunkCall.Direction.allCases.flatMap { direction -> [Finding] in
      func amount(_ measure: (CallCounts) -> Int) -> (today: Int, most: Int) {
        let own = past.filter { $0.direction == direction }
        let days = Dictionary(grouping: own, by: \.time.day).values.map { hours in
          hours.reduce(0) { $0 + measure($1.counts) }
        }
        let now = today.filter { $0.direction == direction }.reduce(0) { $0 + measure($1.counts) }
        // One unusual day is not the measure of the next.
        return (now, days.sorted(by: >).dropFirst().first ?? 0)
      }
      // Divided last: an hour of many short calls has minutes too.
      let seconds = amount { Int($0.seconds) }
      let (attempts, most) = amount(\.attempts)
      return [
        seconds.today > max(factor * seconds.most, least.minutes * 60)
          ? .minutes(direction, today: seconds.today / 60, most: seconds.most / 60) : nil,
        attempts > max(factor * most, least.attempts)
          ? .attempts(direction, today: attempts, most: most) : nil,
      ].compactMap(\.self)
    } + oddHours(today, past)
  }

  private static func oddHours(_ today: [CallHour], _ past: [CallHour]) -> [Finding] {
    guard past.reduce(0, { $0 + $1.counts.attempts }) >= oddCalls.known else { return [] }
    let odd = today.filter { call in
      !past.contains { former in
        guard former.time.isWeekend == call.time.isWeekend else { return false }
        let apart = abs(former.time.hour - call.time.hour)
        return min(apart, 24 - apart) <= margin
      }
    }
    let calls = odd.reduce(0) { $0 + $1.counts.attempts }
    guard calls >= oddCalls.told else { return [] }
    return [.oddHours(calls: calls, hours: Set(odd.map(\.time.hour)).sorted())]
  }

  /// The entry of the journal for what was found.
  public static func entry(_ finding: Finding, with site: SiteName) -> JournalEntry {
    let text: String
    switch finding {
    case .minutes(let direction, let today, let most):
      text =
        "\(today) minutes of calls \(direction.words) '\(site)' today, \(most) on the busiest but one of the last \(span) days"
    case .attempts(let direction, let today, let most):
      text =
        "\(today) calls \(direction.words) '\(site)' today, \(most) on the busiest but one of the last \(span) days"
    case .oddHours(let calls, let hours):
      let times = hours.map { "\($0):00" }.joined(separator: ", ")
      text =
        "\(calls) calls with '\(site)' in the hours from \(times) today, without any near them in the last \(span) days"
    }
    return JournalEntry(
      .callsUnusual, site: site, "unusual: \(text); look at 'pbxlink calls --site \(site) --log'")
  }
}

extension TrunkCall.Direction {
  /// For people, before a site.
  var words: String { self == .incoming ? "from" : "to" }
}
