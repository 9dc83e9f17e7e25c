// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@Suite("Probes of a path")
struct PathProbeTests {
  private static let interval = Duration.milliseconds(500)

  /// A probe and the path under it, in a time of its own.
  private struct Path {
    var probe = PathProbe(interval: PathProbeTests.interval, at: .zero)
    var now = Duration.zero
    var flips = 0

    var condition: PathState.Condition { probe.state.condition }

    mutating func send() -> STAMPPacket {
      let before = condition
      defer { if before != condition { flips += 1 } }
      return probe.send(at: now, timestamp: NTPTimestamp(value: UInt64(now.components.attoseconds)))
    }

    mutating func receive(answerTo packet: STAMPPacket) -> Duration? {
      let before = condition
      defer { if before != condition { flips += 1 } }
      let moment = NTPTimestamp(value: 0)
      return probe.receive(
        STAMPReflection(to: packet, number: 0, receivedAt: moment, ttl: 255, sentAt: moment), at: now)
    }

    /// Sends probes an interval apart; `answered` come back after 20 ms.
    mutating func send(_ count: Int, answered: Bool) {
      for _ in 0..<count {
        let packet = send()
        if answered {
          now += .milliseconds(20)
          _ = receive(answerTo: packet)
          now -= .milliseconds(20)
        }
        now += PathProbeTests.interval
      }
    }
  }

  @Test("nothing is known before three answers in a row")
  func up() {
    var path = Path()
    path.send(2, answered: true)
    #expect(path.condition == .unknown)
    path.send(1, answered: true)
    #expect(path.probe.state == PathState(.up, since: .milliseconds(1020), roundTrip: .milliseconds(20)))
  }

  @Test("six probes in a row without an answer, each with its interval, and the path is down")
  func down() {
    var path = Path()
    path.send(3, answered: true)
    path.send(6, answered: false)
    #expect(path.condition == .up, "the sixth has its interval to come back")
    _ = path.send()
    #expect(path.probe.state == PathState(.down, since: .seconds(4.5)))
  }

  @Test("a path that never answers is down, too")
  func never() {
    var path = Path()
    path.send(7, answered: false)
    #expect(path.condition == .down)
  }

  @Test("a silent path is probed less and less, to each 30 seconds, and as before once anything has come")
  func pauses() {
    var path = Path()
    path.send(7, answered: false)
    func pause(after seconds: Double) -> Int {
      path.probe.pause(at: path.probe.state.since + .seconds(seconds))
    }
    #expect([0, 6, 12, 60, 359, 86_400].map(pause) == [1, 1, 2, 10, 59, 60])
    path.send(1, answered: true)
    #expect(path.condition == .down && pause(after: 86_400) == 1)
  }

  @Test("one answer among six keeps a path up; it takes three in a row to come back")
  func rows() {
    var path = Path()
    path.send(3, answered: true)
    for _ in 0..<20 {
      path.send(5, answered: false)
      path.send(1, answered: true)
    }
    #expect(path.condition == .up)
    path.send(7, answered: false)
    for _ in 0..<20 {
      path.send(2, answered: true)
      path.send(1, answered: false)
    }
    #expect(path.condition == .down)
    path.send(3, answered: true)
    #expect(path.condition == .up && path.flips == 3)
  }

  @Test("our own lateness alone never makes a path look dead", arguments: 0..<50)
  func lateness(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var path = Path()
    path.send(3, answered: true)
    for _ in 0..<200 {
      // Late by up to ten minutes, or in a burst; the answers that waited are read before the next probe.
      let packets = (0..<Int.random(in: 1...8, using: &random)).map { _ in path.send() }
      path.now += .milliseconds(Int.random(in: 0...600_000, using: &random))
      for packet in packets { _ = path.receive(answerTo: packet) }
      #expect(path.condition == .up)
    }
  }

  @Test(
    "a long way does not flap: up to three intervals it works, beyond that it does not",
    arguments: [(40, true), (499, true), (600, true), (1_400, true), (1_600, false), (3_200, false)])
  func longWay(roundTrip: Int, works: Bool) {
    var path = Path()
    var underway: [(at: Duration, packet: STAMPPacket)] = []
    for _ in 0..<100 {
      let packet = path.send()
      underway.append((path.now + .milliseconds(roundTrip), packet))
      let next = path.now + Self.interval
      while let first = underway.first, first.at <= next {
        path.now = first.at
        underway.removeFirst()
        #expect((path.receive(answerTo: first.packet) == .milliseconds(roundTrip)) == works)
      }
      path.now = next
    }
    #expect(path.condition == (works ? .up : .down) && path.flips == 1)
  }

  @Test("the reflector's own time is no part of the round trip, unless it claims more than there was")
  func reflectorTime() throws {
    for (claimed, expected) in [(30, 70), (100, 0), (101, 100)] {
      var probe = PathProbe(interval: Self.interval, at: .zero)
      let packet = probe.send(at: .zero, timestamp: NTPTimestamp(value: 5))
      let sent = NTPTimestamp(unixSeconds: 0, nanoseconds: Int64(claimed) * 1_000_000)
      let answer = STAMPReflection(
        to: packet, number: 0, receivedAt: NTPTimestamp(unixSeconds: 0, nanoseconds: 0), ttl: 1, sentAt: sent)
      let received = probe.receive(answer, at: .milliseconds(100))
      let roundTrip = try #require(received)
      // A binary fraction is 0.23 ns.
      #expect(roundTrip >= .milliseconds(expected) && roundTrip < .milliseconds(expected) + .nanoseconds(2))
    }
  }

  @Test("an answer counts once, and only to a probe that was sent", arguments: 0..<50)
  func strayAnswers(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var path = Path()
    path.send(7, answered: false)
    var sent: [STAMPPacket] = []
    for _ in 0..<500 {
      sent.append(path.send())
      path.now += Self.interval
      let forged = STAMPPacket(
        sequence: sent[sent.count - 1].sequence,
        timestamp: NTPTimestamp(value: .random(in: 1...9, using: &random)))
      #expect(path.receive(answerTo: forged) == nil)
      if sent.count % 7 == 0, let packet = sent.last {
        #expect(path.receive(answerTo: packet) != nil)
        for _ in 0..<5 { #expect(path.receive(answerTo: packet) == nil) }
      }
      if let old = sent.dropLast(4).randomElement(using: &random) {
        #expect(path.receive(answerTo: old) == nil)
      }
    }
    #expect(path.condition == .down)
  }

  @Test("any mixture of losses agrees with counting by hand", arguments: 0..<50)
  func model(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var path = Path()
    var (losses, answers, expected) = (0, 0, PathState.Condition.unknown)
    let lossPercent = Int.random(in: 5...95, using: &random)
    for _ in 0..<1_000 {
      let answered = Int.random(in: 0..<100, using: &random) >= lossPercent
      let packet = path.send()
      // Sending judges the probes before; the one just sent has still its interval.
      if losses >= PathProbe.lossLimit { expected = .down }
      #expect(path.condition == expected)
      if answered { _ = path.receive(answerTo: packet) }
      (losses, answers) = answered ? (0, answers + 1) : (losses + 1, 0)
      if answers >= PathProbe.answersNeeded { expected = .up }
      #expect(path.condition == expected)
      path.now += Self.interval
    }
  }
}
