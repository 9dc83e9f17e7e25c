// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import PBXLinkCore
import Testing

@Suite("The past of a link")
struct LinkHistoryTests {
  private let lyon: SiteName
  private let nice: SiteName
  /// 2027-01-15T08:00:00Z, the beginning of an hour.
  private let eight = Timestamp(seconds: 1_800_000_000)

  init() throws { (lyon, nice) = (try #require(SiteName("lyon")), try #require(SiteName("nice"))) }

  private func sample(
    _ time: Timestamp, _ length: Int64 = LinkSample.minute, rtt: Double = 0.02, loss: Double? = 0,
    mos: Double? = 4.4, path: TunnelPath = .wireguard
  ) -> LinkSample {
    LinkSample(
      time: time, length: length, path: path, roundTrip: rtt, longestRoundTrip: rtt * 2, lossTransmit: loss,
      lossReceive: loss.map { $0 / 2 }, jitter: 0.001, mos: mos)
  }

  @Test("an hour is the mean of its minutes, with the longest round trip and the worst MOS")
  func hours() throws {
    let minutes = [
      sample(eight, rtt: 0.01, loss: 0.1, mos: 4.4), sample(eight + 60, rtt: 0.03, loss: 0, mos: 3.0),
      sample(eight + 120, rtt: 0.02, loss: nil, mos: nil, path: .relay),
    ]
    let hour = try #require(LinkSample.merged(minutes, into: eight))
    #expect(hour.time == eight && hour.length == 3600 && hour.path == .relay)
    #expect(hour.roundTrip == 0.02 && hour.longestRoundTrip == 0.06 && hour.mos == 3.0)
    #expect(hour.lossTransmit == 0.05 && hour.lossReceive == 0.025 && hour.jitter == 0.001)
    #expect(LinkSample.merged([], into: eight) == nil)
    #expect(LinkSample.hour(of: eight + 3599) == eight && LinkSample.hour(of: eight) == eight)
    #expect(LinkSample.hour(of: Timestamp(seconds: -1)) == Timestamp(seconds: -3600))
  }

  @Test("an outage begins when a link that was up is bad, and ends when that is over or it is another one")
  func outages() {
    var tracker = OutageTracker()
    let down = OutageTracker.Condition.poor(.down, cause: "silence")
    let poor = OutageTracker.Condition.poor(.degraded, cause: "loss")
    #expect(tracker.update([lyon: down, nice: .up], at: eight).isEmpty, "off from the start is no outage")
    #expect(tracker.update([lyon: .unknown, nice: .unknown], at: eight + 1).isEmpty)
    #expect(
      tracker.update([lyon: .up, nice: down], at: eight + 2)
        == [.began(nice, Outage(.down, began: eight + 2, cause: "silence"))])
    #expect(tracker.update([lyon: .up, nice: down], at: eight + 3).isEmpty)
    #expect(
      tracker.update([lyon: poor, nice: .up], at: eight + 4)
        == [.began(lyon, Outage(.degraded, began: eight + 4, cause: "loss")), .ended(nice, eight + 4)])
    #expect(
      tracker.update([lyon: down, nice: .up], at: eight + 5)
        == [.ended(lyon, eight + 5), .began(lyon, Outage(.down, began: eight + 5, cause: "silence"))])
    #expect(tracker.update([nice: .up], at: eight + 6) == [.ended(lyon, eight + 6)])
    #expect(tracker.update([lyon: down, nice: .up], at: eight + 7).isEmpty, "it is new again")
  }

  @Test("an outage that was open when the agent ended goes on, or ends when the link is seen up")
  func restart() {
    var tracker = OutageTracker(open: [lyon: .down, nice: .down])
    let down = OutageTracker.Condition.poor(.down, cause: "silence")
    #expect(tracker.update([lyon: .unknown, nice: .unknown], at: eight).isEmpty)
    #expect(tracker.update([lyon: down, nice: .up], at: eight + 9) == [.ended(nice, eight + 9)])
  }

  @Test("the report has a mark for each hour, a row for each that is known, and the outages")
  func report() throws {
    let history = LinkHistory(
      of: lyon,
      minutes: [sample(eight + 7200, rtt: 0.04, mos: 4.1), sample(eight + 7260, rtt: 0.04, mos: 3.9)],
      hours: [
        sample(eight + -7200, 3600, rtt: 0.02), sample(eight, 3600, rtt: 0.03, loss: 0.02, mos: 4.0),
        sample(eight + 3600, 3600, rtt: 0.02),
      ],
      outages: [
        Outage(.down, began: eight + -9000, ended: eight + -8990, cause: "too long ago"),
        Outage(.down, began: eight + 3000, ended: eight + 3900, cause: "wireguard did not answer"),
        Outage(.degraded, began: eight + 7200, cause: "calls by wireguard would have sounded poor"),
      ], at: eight + 7320)
    #expect(
      history.lines(hours: 5, at: eight + 7320) == [
        "lyon: the last 5 hours, until 2027-01-15T10:02:00Z", "",
        "RTT  ▁ xx█  20 ms to 40 ms",
        "MOS  █ xx▁  3.9 to 4.4",
        "HOUR                  PATH       DOWN    RTT    MAX    LOSS       JITTER  MOS",
        "2027-01-15T06:00:00Z  wireguard  0 s     20 ms  40 ms  0.0/0.0 %  1.0 ms  4.4",
        "2027-01-15T08:00:00Z  wireguard  10 min  30 ms  60 ms  2.0/1.0 %  1.0 ms  4.0",
        "2027-01-15T09:00:00Z  wireguard  5 min   20 ms  40 ms  0.0/0.0 %  1.0 ms  4.4",
        "2027-01-15T10:00:00Z  wireguard  0 s     40 ms  80 ms  0.0/0.0 %  1.0 ms  3.9", "",
        "down from 2027-01-15T08:50:00Z for 15 min: wireguard did not answer",
        "degraded from 2027-01-15T10:00:00Z until now: calls by wireguard would have sounded poor",
      ])
    let empty = LinkHistory(of: lyon, minutes: [], hours: [], outages: [], at: eight)
    #expect(empty.lines(hours: 24, at: eight).last == "Nothing was measured in this time.")
  }

  @Test("its JSON has times as RFC 3339, null for what is not known, and reads back")
  func json() throws {
    let history = LinkHistory(
      of: lyon, minutes: [sample(eight, loss: nil, mos: nil)], hours: [],
      outages: [Outage(.down, began: eight, cause: "silence")], at: eight + 60)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let text = String(decoding: try encoder.encode(history), as: UTF8.self)
    #expect(
      text
        == #"{"hours":[],"minutes":[{"jitter_seconds":0.001,"length_seconds":60,"loss_receive_ratio":null,"#
        + #""loss_transmit_ratio":null,"mos":null,"path":"wireguard","rtt_max_seconds":0.04,"rtt_mean_seconds":0.02,"#
        + #""time":"2027-01-15T08:00:00Z"}],"outages":[{"began":"2027-01-15T08:00:00Z","cause":"silence","ended":null,"#
        + #""kind":"down"}],"schema":"pbxlink.history/1","site":"lyon","time":"2027-01-15T08:01:00Z"}"#)
    #expect(try JSONDecoder().decode(LinkHistory.self, from: Data(text.utf8)) == history)
    let broken = text.replacing("2027-01-15T08:00:00Z", with: "yesterday")
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(LinkHistory.self, from: Data(broken.utf8))
    }
  }
}
