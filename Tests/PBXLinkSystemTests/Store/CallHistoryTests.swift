// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("The past of calls")
struct CallHistoryTests {
  private let directory: String
  private let lyon, nice: SiteName
  private let start = Timestamp(seconds: 1_800_000_000)
  private let hour = LocalHour(day: 20_833, hour: 9)

  init() throws {
    directory = NSTemporaryDirectory() + "calls-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    lyon = try #require(SiteName("lyon"))
    nice = try #require(SiteName("nice"))
  }

  private func call(
    _ site: SiteName, _ direction: TrunkCall.Direction = .outgoing, at time: Timestamp? = nil,
    _ outcome: TrunkCall.Outcome = .answered, seconds: Int64 = 60
  ) -> TrunkCall {
    TrunkCall(
      site, direction, from: "201", to: nil, began: time ?? start, seconds: seconds, outcome)
  }

  @Test("calls come back as they were, and are summed up by site, hour and direction")
  func sums() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let store = try HistoryStore(directory: directory)
    let calls = [
      call(lyon), call(nice, .incoming), call(lyon, .outgoing, .busy, seconds: 0), call(lyon, seconds: 5),
    ]
    try store.record(Array(calls.prefix(3)), in: hour)
    try store.record([calls[3]], in: hour)
    #expect(try store.calls(with: nil, limit: 10) == calls)
    #expect(try store.calls(with: lyon, limit: 1) == [calls[3]])
    #expect(try store.calls(with: lyon, limit: 0) == [])
    var counts = CallCounts()
    for call in calls where call.site == lyon { counts.add(call) }
    #expect(try store.callHours(with: lyon, since: hour.day) == [lyon: [CallHour(hour, .outgoing, counts)]])
    #expect(counts.attempts == 3 && counts.answered == 2 && counts.unanswered == 1 && counts.seconds == 65)
    let all = try HistoryStore(directory: directory).callHours(with: nil, since: hour.day)
    #expect(Set(all.keys) == [lyon, nice] && all[nice]?.first?.direction == .incoming)
    #expect(try store.callHours(with: nil, since: hour.day + 1).isEmpty)
  }

  @Test("one site that calls all the time hides no call of another, and its hours stay right")
  func bounds() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let store = try HistoryStore(directory: directory)
    try store.record([call(nice)], in: hour)
    try store.record(
      (0..<1_500).map { call(lyon, at: start + $0, .refusedLimit, seconds: 0) }, in: hour)
    #expect(try store.calls(with: nice, limit: 10).count == 1)
    let kept = try store.calls(with: lyon, limit: 10_000)
    #expect(kept.count == 1_000 && kept.last?.began == start + 1_499)
    #expect(try store.callHours(with: lyon, since: 0)[lyon]?.first?.counts.refusedLimit == 1_500)
  }

  @Test("calls and hours go after 90 days")
  func aging() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let store = try HistoryStore(directory: directory)
    try store.record([call(lyon)], in: hour)
    try store.record([:], at: start + 89 * 86_400)
    #expect(try store.calls(with: nil, limit: 10).count == 1)
    #expect(try store.callHours(with: nil, since: 0).count == 1)
    try store.record([:], at: start + 92 * 86_400)
    #expect(try store.calls(with: nil, limit: 10).isEmpty && store.callHours(with: nil, since: 0).isEmpty)
  }
}
