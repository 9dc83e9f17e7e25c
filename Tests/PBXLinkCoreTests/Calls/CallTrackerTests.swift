// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Testing

@testable import PBXLinkCore

@Suite("Following calls")
struct CallTrackerTests {
  private let now = Offices.now
  private var lyon: SiteName { get throws { try #require(SiteName("lyon")) } }

  private func channel(
    _ id: String, _ name: String, to number: String? = nil, from caller: String? = nil,
    connected: String? = nil, isUp: Bool = false, age: Int64 = 0
  ) -> CallTracker.Channel {
    CallTracker.Channel(
      id: id, name: name, extensionName: number, caller: caller, connected: connected, isUp: isUp, age: age)
  }

  /// Takes events of which each comes a second after the one before it.
  private func take(_ tracker: inout CallTracker, _ events: CallTracker.Event...) -> [TrunkCall] {
    events.enumerated().compactMap { index, event in
      tracker.take(event, at: now + Int64(index), uptime: .seconds(100 + index))
    }
  }

  @Test("a call from here and one from there are told with their numbers and the time that they were talked")
  func both() throws {
    var tracker = CallTracker()
    let out = take(
      &tracker, .made(channel("1", "IAX2/plk_lyon-123")),
      .dialled(id: "1", number: "301", caller: "201"), .answered(id: "1"), .answered(id: "1"),
      .ended(id: "1", cause: 16))
    #expect(
      out == [
        TrunkCall(try lyon, .outgoing, from: "201", to: "301", began: now, seconds: 2, .answered)
      ])
    let incoming = take(
      &tracker, .made(channel("2", "IAX2/plk_lyon.k1_2-77", to: "201", from: "301")),
      .ended(id: "2", cause: 17))
    #expect(incoming == [TrunkCall(try lyon, .incoming, from: "301", to: "201", began: now, .busy)])
    #expect(tracker.open.isEmpty)
  }

  @Test("a site's name with a dash is found again in its channel")
  func dash() {
    var tracker = CallTracker()
    _ = take(&tracker, .made(channel("1", "IAX2/plk_saint_denis.k3_1-5", to: "201")))
    #expect(tracker.open["1"]?.site.description == "saint-denis")
    #expect(tracker.open["1"]?.direction == .incoming)
  }

  @Test(
    "test calls and channels with others are no calls, and what was never made cannot end",
    arguments: [
      ("plkprobe-1", "IAX2/plk_lyon-1", nil), ("1", "IAX2/plk_lyon.k1_1-1", "plkprobe"),
      ("1", "SIP/lyon-1", "201"), ("1", "IAX2/provider-1", "201"), ("1", "Local/301@phones-1;1", "301"),
    ] as [(String, String, String?)])
  func others(id: String, name: String, number: String?) {
    var tracker = CallTracker()
    let calls = take(
      &tracker, .made(channel(id, name, to: number)), .answered(id: id), .ended(id: id, cause: 16))
    #expect(calls.isEmpty && tracker.open.isEmpty)
  }

  @Test(
    "an unanswered call is told by the cause of its end",
    arguments: [
      (1, TrunkCall.Outcome.unknownNumber), (17, .busy), (19, .unanswered), (16, .unanswered),
      (0, .unanswered), (21, .refused), (25, .refused), (34, .refusedLimit), (50, .refusedAuthentication),
      (20, .failed), (127, .failed), (-1, .failed),
    ])
  func causes(cause: Int, outcome: TrunkCall.Outcome) {
    var tracker = CallTracker()
    let calls = take(&tracker, .made(channel("1", "IAX2/plk_lyon-1")), .ended(id: "1", cause: cause))
    #expect(calls.map(\.outcome) == [outcome] && calls.map(\.seconds) == [0])
  }

  @Test("cause 50 means that the far end does not know us, never that we do not know it")
  func authentication() {
    #expect(TrunkCall.Outcome(cause: 50, .incoming) == .failed)
  }

  @Test("a call that the limit keeps here is told though it has no channel")
  func limit() throws {
    var tracker = CallTracker()
    #expect(
      take(&tracker, .limited(try lyon, number: "301", caller: nil)) == [
        TrunkCall(try lyon, .outgoing, from: nil, to: "301", began: now, .refusedLimit)
      ])
  }

  @Test("calls that were up before are found, with the age that Asterisk tells, and are not begun anew")
  func found() throws {
    var tracker = CallTracker()
    let channels = [channel("1", "IAX2/plk_lyon-1", connected: "201", isUp: true, age: 90)]
    #expect(tracker.take(channels, at: now, uptime: .seconds(10)).isEmpty)
    #expect(tracker.open["1"]?.seconds(at: .seconds(10)) == 90)
    _ = tracker.take(.made(channels[0]), at: now + 5, uptime: .seconds(15))
    let call = tracker.take(.ended(id: "1", cause: 16), at: now + 10, uptime: .seconds(20))
    #expect(
      call
        == TrunkCall(try lyon, .outgoing, from: "201", to: nil, began: now + -90, seconds: 100, .answered))
  }

  @Test("a call whose end was not heard ends when the second list is without it")
  func unheard() {
    var tracker = CallTracker()
    let channels = [channel("1", "IAX2/plk_lyon-1"), channel("2", "IAX2/plk_lyon-2")]
    #expect(tracker.take(channels, at: now, uptime: .zero).isEmpty)
    #expect(tracker.take([channels[1]], at: now, uptime: .zero).isEmpty)
    #expect(tracker.take([channels[0]], at: now, uptime: .zero).isEmpty, "it was there after all")
    #expect(tracker.take([], at: now, uptime: .zero).count == 1)
    #expect(tracker.take([], at: now, uptime: .zero).count == 1 && tracker.open.isEmpty)
  }

  @Test("a call that is gone after a time without news has ended when that began")
  func silence() {
    var tracker = CallTracker()
    let channels = [
      channel("1", "IAX2/plk_lyon-1", isUp: true), channel("2", "IAX2/plk_lyon-2", isUp: true),
    ]
    _ = tracker.take(channels, at: now, uptime: .seconds(10))
    let gone = tracker.take([channels[1]], silentSince: .seconds(40), at: now + 90, uptime: .seconds(100))
    #expect(gone.map(\.seconds) == [30])
    #expect(tracker.open["2"]?.seconds(at: .seconds(100)) == 90, "it has been up all the time")
  }

  @Test("a clock that is set while a call is up does not change its length")
  func clock() {
    var tracker = CallTracker()
    let channel = channel("1", "IAX2/plk_lyon-1", isUp: true)
    _ = tracker.take([channel], at: now, uptime: .seconds(5))
    let call = tracker.take(.ended(id: "1", cause: 16), at: now + 86_400 * 365, uptime: .seconds(9))
    #expect(call?.seconds == 4)
  }
}
