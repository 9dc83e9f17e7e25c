// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Asterisk at the other end of a path")
struct AsteriskProbeTests {
  private static let pong: [UInt8] = [0x80, 1, 0, 2, 0, 0, 0, 1, 0, 1, 6, 3]

  @Test("is asked by a POKE of RFC 5456, which its PONG names again")
  func frames() {
    let poke = IAXPoke(number: 1)
    #expect(poke.bytes == [0x80, 2, 0, 0, 0, 0, 0, 1, 0, 0, 6, 30])
    #expect(IAXPoke(answeredBy: Self.pong) == poke)
    #expect(IAXPoke(answeredBy: Self.pong + [19, 4, 0, 0, 0, 1]) == poke, "with information elements")
    #expect(IAXPoke(number: 98_301).bytes.prefix(2) == [0x80, 1], "numbers are of 15 bits, and never 0")
  }

  @Test("other frames are no answer: a call's voice, another command, one that is cut")
  func otherFrames() {
    for (offset, value) in [(0, 0x00), (10, 4), (11, 30), (11, 0x83)] as [(Int, UInt8)] {
      var frame = Self.pong
      frame[offset] = value
      #expect(IAXPoke(answeredBy: frame) == nil)
    }
    for length in 0..<12 { #expect(IAXPoke(answeredBy: Array(Self.pong.prefix(length))) == nil) }
  }

  @Test("is asked each five seconds, and is silent after three questions, 1.5 seconds each")
  func silence() {
    var probe = AsteriskProbe()
    var asked: [Duration] = []
    for tenth in 0..<400 {
      let now = Duration.milliseconds(100 * tenth)
      guard let poke = probe.poke(at: now) else { continue }
      asked.append(now)
      if tenth < 100 || tenth > 300 { probe.receive(poke, at: now + .milliseconds(30)) }
      #expect(probe.answers.isSilent == (tenth >= 145 && tenth < 310), "\(now)")
    }
    #expect(asked.prefix(6).map { $0 / .milliseconds(100) } == [0, 50, 100, 115, 130, 145])
    #expect(probe.answers.roundTrip == .milliseconds(30))
  }

  @Test("an answer to a former question says nothing")
  func late() {
    var probe = AsteriskProbe()
    let first = probe.poke(at: .zero)
    _ = probe.poke(at: .seconds(2))
    if let first { probe.receive(first, at: .seconds(3)) }
    #expect(probe.answers.last == nil)
  }

  @Test("tells within a round trip whether the line has failed or the agent")
  func agentOrLine() {
    for isLineCut in [false, true] {
      var line = ProbedLine()
      line.run(for: .seconds(20))
      #expect(line.sites[0].probe?.state.isAsteriskHeard == true)
      if isLineCut { line.loss = [1, 1] } else { line.kill(1) }
      line.run(for: .milliseconds(1700))
      let state = line.sites[0].probe?.state
      #expect(state?.condition == .down && state?.isOnlyAgentSilent == !isLineCut && state?.isHeard == false)
      line.run(for: .seconds(600))
      #expect(line.sites[0].probe?.state.isOnlyAgentSilent == !isLineCut)
    }
  }

  @Test("is not asked where there is none, and its silence says nothing")
  func none() {
    var probe = PathProbe(FailureDetection.normal.timing, discriminator: 1, asksAsterisk: false, at: .zero)
    while probe.due < .seconds(60) {
      let packets = probe.tick(at: probe.due, timestamp: NTPTimestamp(value: 0), jitter: 0)
      #expect(packets?.poke == nil)
    }
    #expect(!probe.state.asterisk.isSilent && !probe.state.isAsteriskHeard)
  }

  @Test("that is dead while its agent is not is silent within ten seconds")
  func asteriskDead() {
    var line = ProbedLine()
    line.run(for: .seconds(20))
    line.sites[1].hasAsterisk = false
    line.run(for: .seconds(10))
    #expect(line.sites[0].condition == .up && line.sites[0].probe?.state.asterisk.isSilent == true)
    line.sites[1].hasAsterisk = true
    line.run(for: .seconds(2))
    #expect(line.sites[0].probe?.state.isAsteriskHeard == true)
  }

  @Test("where only the way there is dead, the end that still hears knows it")
  func oneWay() {
    var line = ProbedLine()
    line.run(for: .seconds(20))
    line.loss[0] = 1
    line.run(for: .seconds(60))
    #expect(line.sites.map { $0.probe?.state.isHeard } == [true, false])
  }
}
