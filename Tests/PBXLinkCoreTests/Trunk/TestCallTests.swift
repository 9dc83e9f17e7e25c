// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Test calls")
struct TestCallTests {
  private let lyon: SiteName
  private let nice: SiteName

  init() throws { (lyon, nice) = (try Offices().site("lyon"), try Offices().site("nice")) }

  private func call(_ outcome: TestCall.Outcome) -> TestCall {
    TestCall(outcome, after: .milliseconds(42), at: Offices.now)
  }

  @Test("are placed when a link comes up, each five minutes, and ten seconds after one that was not taken")
  func schedule() {
    var schedule = TestCallSchedule()
    var placed: [Int] = []
    for second in 0..<1000 {
      // The link is down from 400 to 500; calls are refused from 700 to 725.
      let ready: [SiteName: Duration] = (400..<500).contains(second) ? [:] : [lyon: .seconds(second / 500)]
      guard let site = schedule.next(among: ready, at: .seconds(second)) else { continue }
      placed.append(second)
      _ = schedule.note(
        call((800..<825).contains(second) ? .refused : .answered), to: site, at: .seconds(second))
    }
    #expect(placed == [0, 300, 500, 800, 810, 820, 830])
  }

  @Test(
    "two in a row that are not taken are no accident, one that is taken ends it, and each change is told once"
  )
  func refusing() {
    var schedule = TestCallSchedule()
    let outcomes: [TestCall.Outcome] = [
      .answered, .refused, .answered, .unanswered, .unreachable, .refused, .answered, .answered,
    ]
    let changes = outcomes.map { schedule.note(call($0), to: lyon, at: .zero) }
    #expect(changes == [false, false, false, false, true, false, true, false])
    _ = schedule.note(call(.refused), to: nice, at: .zero)
    #expect(schedule.refusing.isEmpty)
    _ = schedule.note(call(.refused), to: nice, at: .zero)
    #expect(schedule.refusing == [nice])
    #expect(schedule.last.mapValues(\.outcome) == [lyon: .answered, nice: .refused])
    schedule.keep([lyon])
    #expect(schedule.refusing.isEmpty && schedule.last.count == 1)
  }

  @Test("of several sites the one that waits longest has its turn, one with a call up half a minute later")
  func turns() {
    var schedule = TestCallSchedule()
    #expect(schedule.next(among: [lyon: .zero, nice: .zero], at: .zero) == lyon)
    schedule.postpone(lyon, at: .zero)
    #expect(schedule.next(among: [lyon: .zero, nice: .zero], at: .seconds(1)) == nice)
    _ = schedule.note(call(.answered), to: nice, at: .seconds(1))
    #expect(schedule.next(among: [lyon: .zero, nice: .zero], at: .seconds(29)) == nil)
    #expect(schedule.next(among: [lyon: .zero, nice: .zero], at: .seconds(400)) == lyon)
  }
}
