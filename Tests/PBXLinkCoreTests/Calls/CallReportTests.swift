// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Testing

@testable import PBXLinkCore

@Suite("The report of calls")
struct CallReportTests {
  private let now = Timestamp(seconds: 1_796_057_724)
  private var lyon: SiteName { get throws { try #require(SiteName("lyon")) } }

  private func report(isHeard: Bool = true, isBusy: Bool = true) throws -> CallReport {
    var tracker = CallTracker()
    if isBusy {
      _ = tracker.take(
        .made(
          CallTracker.Channel(
            id: "1", name: "IAX2/plk_lyon.k1_1-1", extensionName: "201", caller: "301", connected: nil,
            isUp: false)), at: now + -130, uptime: .seconds(0))
      _ = tracker.take(.answered(id: "1"), at: now, uptime: .seconds(5))
      _ = tracker.take(
        .made(
          CallTracker.Channel(
            id: "2", name: "IAX2/plk_nice-1", extensionName: nil, caller: nil, connected: nil, isUp: false)),
        at: now + -2, uptime: .seconds(128))
    }
    let calls = [
      TrunkCall(try lyon, .outgoing, from: "201", to: "301", began: now + -600, seconds: 150, .answered),
      TrunkCall(try lyon, .incoming, from: "301", to: "201", began: now + -300, seconds: 61, .answered),
      TrunkCall(try lyon, .outgoing, from: nil, to: nil, began: now + -60, .refusedLimit),
      TrunkCall(try lyon, .outgoing, from: "201", to: "399", began: now + -30, .unknownNumber),
    ]
    let hours = calls.map { call in
      var counts = CallCounts()
      counts.add(call)
      return CallHour(LocalHour(call.began, secondsFromUTC: 3600), call.direction, counts)
    }
    return CallReport(
      open: Array(tracker.open.values), hours: isBusy ? [try lyon: hours] : [:], calls: isBusy ? calls : [],
      isHeard: isHeard, at: now, uptime: .seconds(130))
  }

  @Test("the days are shown side by side, under the calls that are up")
  func days() throws {
    #expect(
      try report().lines(log: false) == [
        "NOW WITH  DIR  FROM  TO   STATE",
        "lyon      in   301   201  talking 2 min",
        "nice      out  -     -    ringing",
        "",
        "DAY         SITE  OUT  MIN  IN  MIN  UNANSWERED  LIMIT  AUTH  FAILED",
        "2026-11-30  lyon  3    2    1   1    0           1      0     1",
      ])
  }

  @Test("the log has a line for each call")
  func log() throws {
    #expect(
      try report().lines(log: true).suffix(5) == [
        "BEGAN                 SITE  DIR  FROM  TO   TALKED  OUTCOME",
        "2026-11-30T16:45:24Z  lyon  out  201   301  2 min   answered",
        "2026-11-30T16:50:24Z  lyon  in   301   201  1 min   answered",
        "2026-11-30T16:54:24Z  lyon  out  -     -    -       refused_limit",
        "2026-11-30T16:54:54Z  lyon  out  201   399  -       unknown_number",
      ])
  }

  @Test("no calls and an Asterisk that is not heard are told apart")
  func silence() throws {
    #expect(
      try report(isBusy: false).lines(log: false) == ["No calls now.", "", "No calls in these days."])
    #expect(
      try report(isHeard: false, isBusy: false).lines(log: true) == [
        "! Asterisk does not tell of its calls; see 'pbxlink status'.", "", "No calls yet.",
      ])
  }

  @Test("what is not known is null in JSON, and comes back as it was")
  func json() throws {
    let report = try report()
    let data = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(CallReport.self, from: data) == report)
    let text = String(decoding: data, as: UTF8.self)
    #expect(text.contains("\"asterisk_heard\":true") && text.contains("\"caller\":null"))
    #expect(text.contains("\"refused_limit\":1") && text.contains("\"seconds\":null"))
  }
}
