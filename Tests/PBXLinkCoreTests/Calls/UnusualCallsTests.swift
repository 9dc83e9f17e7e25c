// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Testing

@testable import PBXLinkCore

@Suite("Unusual calls")
struct UnusualCallsTests {
  /// A Monday.
  private let today = 20_787
  private var lyon: SiteName { get throws { try #require(SiteName("lyon")) } }

  private func hour(
    _ day: Int, _ hour: Int, _ direction: TrunkCall.Direction = .outgoing, calls: Int, minutes: Int = 0
  ) -> CallHour {
    var counts = CallCounts()
    (counts.attempts, counts.seconds) = (calls, Int64(minutes) * 60)
    return CallHour(LocalHour(day: day, hour: hour), direction, counts)
  }

  /// Four weeks of working days with ten calls of two minutes each, at ten and at four.
  private var ordinary: [CallHour] {
    (today - 28..<today).filter { !LocalHour(day: $0, hour: 0).isWeekend }.flatMap { day in
      [10, 16].map { hour(day, $0, calls: 5, minutes: 10) }
    }
  }

  private func findings(_ hours: CallHour...) -> [UnusualCalls.Finding] {
    UnusualCalls.findings(on: today, in: ordinary + hours)
  }

  @Test("a day like the others is not told of, nor is one with somewhat more")
  func ordinaryDay() {
    #expect(findings(hour(today, 10, calls: 5, minutes: 10), hour(today, 15, calls: 5, minutes: 10)) == [])
    #expect(findings(hour(today, 11, calls: 30, minutes: 60)) == [])
    #expect(findings() == [])
  }

  @Test(
    "three times the busiest day but one is told of, for minutes and for calls, each direction for itself")
  func much() {
    #expect(
      findings(hour(today, 10, calls: 2, minutes: 61)) == [
        .minutes(.outgoing, today: 61, most: 20)
      ])
    #expect(
      findings(hour(today, 10, .incoming, calls: 31, minutes: 2)) == [
        .attempts(.incoming, today: 31, most: 0)
      ])
    // One bad day is no measure, two are.
    let bad = hour(today - 3, 10, calls: 400, minutes: 900)
    #expect(findings(bad, hour(today, 10, calls: 3, minutes: 100)).count == 1)
    #expect(
      findings(
        bad, hour(today - 4, 10, calls: 400, minutes: 900), hour(today, 10, calls: 3, minutes: 100)) == [])
  }

  @Test("calls at night and at a weekend are told of where there never were any near that hour")
  func oddHours() {
    #expect(
      findings(hour(today, 3, calls: 2), hour(today, 2, .incoming, calls: 1)) == [
        .oddHours(calls: 3, hours: [2, 3])
      ])
    #expect(findings(hour(today, 3, calls: 2)) == [], "two calls are an accident")
    #expect(findings(hour(today, 18, calls: 9)) == [], "two hours later than ever")
    #expect(findings(hour(today, 19, calls: 9)) == [.oddHours(calls: 9, hours: [19])])
    let saturday = today + 5
    let hours = ordinary + [hour(saturday, 10, calls: 3)]
    #expect(UnusualCalls.findings(on: saturday, in: hours) == [.oddHours(calls: 3, hours: [10])])
    // Around midnight.
    #expect(findings(hour(today - 3, 23, calls: 1), hour(today, 1, calls: 5)) == [])
  }

  @Test("in the first week there is nothing to compare with")
  func firstWeek() {
    let young = (today - 6..<today).map { hour($0, 10, calls: 20) }
    #expect(UnusualCalls.findings(on: today, in: young + [hour(today, 3, calls: 500, minutes: 900)]) == [])
    #expect(UnusualCalls.findings(on: today, in: []) == [])
  }

  @Test("what is older than four weeks does not count, whatever it was")
  func old() {
    let old = hour(today - 29, 3, calls: 5_000, minutes: 9_000)
    #expect(findings(old, hour(today, 3, calls: 100, minutes: 300)).count == 3)
  }

  @Test("any hours of any days are compared without a trap, and only what is there is told")
  func anything() {
    var random = SplitMix64(seed: 7)
    for _ in 0..<500 {
      let hours = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
        hour(
          today - Int.random(in: -3..<40, using: &random), Int.random(in: 0..<24, using: &random),
          Bool.random(using: &random) ? .incoming : .outgoing, calls: Int.random(in: 0..<100, using: &random),
          minutes: Int.random(in: 0..<500, using: &random))
      }
      let found = UnusualCalls.findings(on: today, in: hours)
      #expect(Set(found.map(\.subject)).count == found.count)
      if !hours.contains(where: { $0.time.day == today }) { #expect(found.isEmpty) }
    }
  }

  @Test("the entry says what, how much, with whom and where to look")
  func words() throws {
    #expect(
      UnusualCalls.entry(.minutes(.outgoing, today: 61, most: 20), with: try lyon)
        == JournalEntry(
          .callsUnusual, site: try lyon,
          "unusual: 61 minutes of calls to 'lyon' today, 20 on the busiest but one of the last 28 days; look at "
            + "'pbxlink calls --site lyon --log'"))
    #expect(
      UnusualCalls.entry(.oddHours(calls: 3, hours: [2, 3]), with: try lyon).text.contains(
        "3 calls with 'lyon' in the hours from 2:00, 3:00 today, without any near them"))
  }

  @Test(
    "an hour of the clock on the wall follows from the moment and the zone, before 1970 too",
    arguments: [
      (1_796_057_724, 0, 20_787, 16), (1_796_057_724, 3600 * 9, 20_788, 1), (0, -3600, -1, 23),
      (1_796_057_724, -3600 * 17, 20_786, 23), (1_796_057_724, 19_800, 20_787, 22),
    ])
  func localHour(seconds: Int64, ahead: Int, day: Int, hour: Int) {
    #expect(
      LocalHour(Timestamp(seconds: seconds), secondsFromUTC: ahead) == LocalHour(day: day, hour: hour))
    #expect(LocalHour.date(ofDay: 20_787) == "2026-11-30")
    #expect((0..<7).map { LocalHour(day: today + $0, hour: 0).isWeekend }.suffix(2) == [true, true])
    #expect((-3..<4).filter { LocalHour(day: $0, hour: 0).isWeekend } == [2, 3])
  }
}

@Suite("Refused calls in the journal")
struct RefusedCallsTests {
  private let now = Offices.now

  private func call(
    _ outcome: TrunkCall.Outcome, _ direction: TrunkCall.Direction = .outgoing, _ site: String = "lyon"
  ) throws -> TrunkCall {
    TrunkCall(
      try #require(SiteName(site)), direction, from: nil, to: "301", began: now, outcome)
  }

  @Test("one of each sort is told in a quarter of an hour")
  func sorts() throws {
    var refused = RefusedCalls()
    #expect(
      refused.entry(for: try call(.refusedLimit), at: now)?.text
        == "a call to 'lyon' to 301 was refused: the link is at its limit of calls")
    #expect(refused.entry(for: try call(.refusedLimit), at: now + 899) == nil)
    #expect(refused.entry(for: try call(.refusedLimit, .incoming), at: now + 1) != nil)
    #expect(refused.entry(for: try call(.refusedAuthentication), at: now + 1) != nil)
    #expect(refused.entry(for: try call(.refusedLimit, .outgoing, "nice"), at: now + 1) != nil)
    #expect(refused.entry(for: try call(.refusedLimit), at: now + 900) != nil)
    // A clock that was set back.
    #expect(refused.entry(for: try call(.refusedLimit), at: now + -86_400) != nil)
  }

  @Test("what was not refused is not told")
  func others() throws {
    var refused = RefusedCalls()
    for outcome: TrunkCall.Outcome in [.answered, .busy, .unanswered, .unknownNumber, .failed] {
      #expect(refused.entry(for: try call(outcome), at: now) == nil)
    }
  }
}
