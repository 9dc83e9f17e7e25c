// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("The history's file")
struct HistoryStoreTests {
  private let directory: String
  private let lyon: SiteName
  /// The beginning of an hour.
  private let start = Timestamp(seconds: 1_800_000_000)

  init() throws {
    directory = NSTemporaryDirectory() + "history-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    lyon = try #require(SiteName("lyon"))
  }

  private func sample(_ time: Timestamp, rtt: Double = 0.02) -> LinkSample {
    LinkSample(
      time: time, length: LinkSample.minute, path: .wireguard, roundTrip: rtt, longestRoundTrip: rtt,
      lossTransmit: 0, lossReceive: nil, jitter: nil, mos: 4.4)
  }

  @Test("minutes become hours when these are over, and both go when they are too old")
  func aging() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let store = try HistoryStore(directory: directory)
    for minute in 0..<61 {
      let now = start + Int64(minute + 1) * 60
      try store.record([lyon: sample(now + -60, rtt: minute == 30 ? 0.62 : 0.02)], at: now)
      #expect(try store.history(of: lyon, at: now).hours.count == (minute < 59 ? 0 : 1))
    }
    var history = try store.history(of: lyon, at: start + 3660)
    #expect(history.minutes.count == 61 && history.minutes.first == sample(start))
    let hour = try #require(history.hours.first)
    #expect(hour.time == start && hour.length == 3600 && abs(hour.roundTrip - 0.03) < 1e-9)
    #expect(hour.longestRoundTrip == 0.62 && hour.lossReceive == nil)

    // Another agent, which had been off for a while.
    let again = try HistoryStore(directory: directory)
    try again.record([lyon: sample(start + 86_400 + 3600)], at: start + 86_400 + 3660)
    history = try again.history(of: lyon, at: start)
    #expect(history.minutes.map(\.time) == [start + 90_000])
    #expect(history.hours.map(\.time) == [start, start + 3600])
    try again.record([:], at: start + 92 * 86_400)
    #expect(try again.history(of: lyon, at: start).hours.isEmpty)
    try again.erase()
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
  }

  @Test("the last day is given in half hours, with the outages that touch it")
  func pasts() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let store = try HistoryStore(directory: directory)
    let now = start + 2 * 86_400
    for (minutes, rtt) in [(-2000, 9), (-31, 0.01), (-1, 0.02), (0, 0.03), (1, 0.05)] as [(Int64, Double)] {
      try store.record([lyon: sample(now + minutes * 60, rtt: rtt)], at: now + minutes * 60 + 60)
    }
    try store.record([
      .began(lyon, Outage(.down, began: start, cause: "old")), .ended(lyon, start + 60),
      .began(lyon, Outage(.down, began: start + 60, cause: "touches")), .ended(lyon, now + -60),
      .began(lyon, Outage(.degraded, began: now, cause: "lasts")),
    ])
    let past = try #require(try store.pasts(at: now + 120)[lyon])
    #expect(past.parts.count == LinkPast.count && past.parts.compactMap(\.self).count == 3)
    #expect(past.parts[45]?.roundTrip == 0.01 && past.parts[46]?.roundTrip == 0.02)
    #expect(past.parts[47].map { abs($0.roundTrip - 0.04) < 1e-9 } == true)
    #expect(past.parts[47]?.loss == 0, "one direction is known")
    #expect(past.outages.map(\.cause) == ["touches", "lasts"])
  }

  @Test("an outage is open until it ends, for the next agent too; those of a link that flaps are bounded")
  func outages() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let store = try HistoryStore(directory: directory)
    try store.record([.began(lyon, Outage(.down, began: start, cause: "silence"))])
    #expect(try HistoryStore(directory: directory).openOutages() == [lyon: .down])
    try store.record([.ended(lyon, start + -5)])
    try store.record([.began(lyon, Outage(.degraded, began: start + 9, cause: "loss"))])
    #expect(
      try store.history(of: lyon, at: start).outages == [
        Outage(.down, began: start, ended: start, cause: "silence"),
        Outage(.degraded, began: start + 9, cause: "loss"),
      ])
    for second in 10..<1_100 as Range<Int64> {
      let outage = Outage(.down, began: start + second, cause: "flap")
      try store.record([.ended(lyon, start + second), .began(lyon, outage)])
    }
    let kept = try store.history(of: lyon, at: start).outages
    #expect(kept.count == HistoryStore.outageLimit && kept.last?.began == start + 1_099)
    #expect(try store.openOutages() == [lyon: .down])
  }

  @Test("a file that is damaged or of a newer version is named and left alone")
  func refused() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = directory + "/history.sqlite"
    let noise = Data(repeating: 7, count: 5_000)
    try noise.write(to: URL(filePath: path))
    #expect(throws: StoreError.self) { try HistoryStore(directory: directory) }
    #expect(try Data(contentsOf: URL(filePath: path)) == noise)
  }
}
