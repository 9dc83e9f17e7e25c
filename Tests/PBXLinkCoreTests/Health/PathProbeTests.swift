// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Probes of a path")
struct PathProbeTests {
  @Test("both ends are up after a round trip and a half, and stay so")
  func up() throws {
    var line = ProbedLine()
    line.run(for: .seconds(100))
    for site in line.sites {
      #expect(site.conditions == [.unknown, .up])
      #expect(try #require(site.course.last).at <= .milliseconds(65))
      #expect(site.probe?.state.roundTrip.map { ($0 - .milliseconds(40)) < .microseconds(1) } == true)
    }
  }

  @Test("the largest packet that gets through is found beside the probes, and again after a break")
  func mtu() throws {
    var line = ProbedLine()
    line.carries = 1333
    for index in 0...1 { line.sites[index].probe?.searchMTU(upTo: 1420, at: .zero) }
    line.run(for: .seconds(100))
    for site in line.sites {
      #expect(site.probe?.state.mtu.map { (1326...1333).contains($0) } == true)
      #expect(site.conditions == [.unknown, .up])
      let figures = try #require(site.probe?.figures(at: line.now))
      #expect(figures.roundTripLossRatio == 0, "long probes that get lost are none of the line's losses")
    }
    line.loss = [1, 1]
    line.run(for: .seconds(20))
    (line.loss, line.carries) = ([0, 0], 1500)
    line.run(for: .seconds(20))
    #expect(line.sites.allSatisfy { $0.probe?.state.mtu == 1420 })
  }

  @Test(
    "a line that is cut is down at both ends within the detection time, which either end can make fast",
    arguments: [
      (FailureDetection.normal, FailureDetection.normal, 1500), (.fast, .fast, 500), (.fast, .normal, 500),
      (.normal, .fast, 500), (.slow, .slow, 5000), (.slow, .fast, 5000),
    ])
  func cut(one: FailureDetection, other: FailureDetection, milliseconds: Int) throws {
    for seed in 0..<50 {
      var line = ProbedLine([one, other], seed: UInt64(seed))
      line.run(for: .seconds(20) + .milliseconds(17 * seed))
      let cut = line.now
      line.loss = [1, 1]
      line.run(for: .seconds(20))
      for site in line.sites {
        #expect(site.conditions == [.unknown, .up, .down])
        let took = try #require(site.course.last).at - cut
        #expect(took <= .milliseconds(milliseconds + 25) && took >= .milliseconds(milliseconds * 3 / 5))
      }
      line.loss = [0, 0]
      let healed = line.now
      line.run(for: .seconds(10))
      for site in line.sites {
        #expect(site.conditions == [.unknown, .up, .down, .up])
        #expect(
          try #require(site.course.last).at - healed <= .milliseconds(1850), "20 s / 12, and a round trip")
      }
    }
  }

  @Test(
    "a line that is dead in one direction is down at both ends, and no more often than once",
    arguments: [0, 1])
  func oneWay(dead: Int) throws {
    var line = ProbedLine()
    line.run(for: .seconds(20))
    let cut = line.now
    line.loss[dead] = 1
    line.run(for: .seconds(300))
    for site in line.sites {
      #expect(site.conditions == [.unknown, .up, .down])
      #expect(try #require(site.course.last).at - cut < .milliseconds(1600))
    }
    line.loss[dead] = 0
    line.run(for: .seconds(3))
    #expect(line.sites.allSatisfy { $0.condition == .up })
  }

  @Test("of a path that is silent from the beginning nothing is known for three seconds, then it is down")
  func never() throws {
    var line = ProbedLine()
    line.loss = [1, 1]
    line.run(for: .seconds(2.9))
    #expect(line.sites.allSatisfy { $0.conditions == [.unknown] })
    line.run(for: .seconds(0.2))
    #expect(line.sites.allSatisfy { $0.conditions == [.unknown, .down] })
  }

  @Test("a silent path is probed less and less, to each 30 seconds, and as before once anything has come")
  func pauses() throws {
    var probe = PathProbe(FailureDetection.normal.timing, discriminator: 1, at: .zero)
    let stamp = NTPTimestamp(value: 0)
    var moments: [Duration] = []
    while probe.due < .seconds(3600) {
      let now = probe.due
      guard probe.tick(at: now, timestamp: stamp, jitter: 0) != nil else { continue }
      moments.append(now)
    }
    let pauses = zip(moments.dropFirst(), moments).map { $0 - $1 }
    let longest = try #require(pauses.max())
    #expect(pauses.first == .seconds(1) && longest >= .seconds(30) && longest < .milliseconds(30_010))
    #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $1 > $0 - .milliseconds(10) } && pauses.count < 200)
    let last = try #require(moments.last)
    probe.hurry(at: last)
    #expect(probe.due == last + .seconds(1))
  }

  @Test("without an endpoint a path that is down is left alone, until there is one")
  func noEndpoint() {
    var probe = PathProbe(FailureDetection.normal.timing, discriminator: 1, at: .zero)
    probe.loseEndpoint()
    var sent = 0
    while probe.due < .seconds(3600) {
      if probe.tick(at: probe.due, timestamp: NTPTimestamp(value: 0), jitter: 0) != nil { sent += 1 }
    }
    #expect(sent == 3, "those before it was down")
    probe.hurry(at: .seconds(3600))
    #expect(probe.hasEndpoint && probe.due <= .seconds(3601))
    let next = probe.tick(at: probe.due, timestamp: NTPTimestamp(value: 0), jitter: 0)
    #expect(next != nil)
  }

  @Test("five percent of loss each way never takes a path down in half an hour", arguments: 0..<2)
  func loss(seed: UInt64) {
    var line = ProbedLine([.fast, .fast], seed: seed)
    (line.loss, line.jitter, line.doubled) = ([0.05, 0.05], .milliseconds(80), 0.01)
    line.run(for: .seconds(1800))
    #expect(line.sites.allSatisfy { $0.conditions == [.unknown, .up] })
  }

  @Test("a long way works as any other", arguments: [5, 150, 600, 900])
  func longWay(delay: Int) {
    for detection in FailureDetection.allCases {
      var line = ProbedLine([detection, detection])
      line.delay = .milliseconds(delay)
      line.run(for: .seconds(100))
      #expect(line.sites.allSatisfy { $0.conditions == [.unknown, .up] }, "\(detection)")
      #expect(line.sites[0].probe?.figures(at: line.now).roundTripLossRatio == 0)
    }
  }

  @Test("a way whose answers all come too late for a call is up, and degraded")
  func tooLong() {
    var line = ProbedLine()
    line.standard = CallStandard(codec: "ulaw", minimumMOS: 3.6)
    line.delay = .milliseconds(1200)
    line.run(for: .seconds(100))
    #expect(line.sites.allSatisfy { $0.conditions == [.unknown, .up, .degraded] })
  }

  @Test("the reflector's own time is no part of the round trip, unless it claims more than there was")
  func reflectorTime() throws {
    for (claimed, expected) in [(30, 70), (100, 0), (101, 100)] {
      var probe = PathProbe(FailureDetection.normal.timing, discriminator: 1, at: .zero)
      let first = probe.tick(at: .zero, timestamp: NTPTimestamp(value: 5), jitter: 0)
      let packet = try #require(first?.probe)
      let sent = NTPTimestamp(unixSeconds: 0, nanoseconds: Int64(claimed) * 1_000_000)
      let answer = STAMPReflection(
        to: packet, number: 0, receivedAt: NTPTimestamp(unixSeconds: 0, nanoseconds: 0), ttl: 1, sentAt: sent)
      let received = probe.receive(answer, at: .milliseconds(100))
      let roundTrip = try #require(received)
      // A binary fraction is 0.23 ns.
      #expect(roundTrip >= .milliseconds(expected) && roundTrip < .milliseconds(expected) + .nanoseconds(2))
    }
  }

  @Test("an answer counts once, and only to a probe that was sent", arguments: 0..<20)
  func strayAnswers(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var probe = PathProbe(FailureDetection.normal.timing, discriminator: 1, at: .zero)
    func isTaken(_ packet: STAMPPacket, at now: Duration) -> Bool {
      let moment = NTPTimestamp(value: 0)
      return probe.receive(
        STAMPReflection(to: packet, number: 0, receivedAt: moment, ttl: 255, sentAt: moment), at: now) != nil
    }
    for index in 0..<300 {
      let now = probe.due
      let stamp = NTPTimestamp(value: UInt64(index + 100))
      guard let packet = probe.tick(at: now, timestamp: stamp, jitter: 0)?.probe else { continue }
      let forged = STAMPPacket(
        sequence: packet.sequence, timestamp: NTPTimestamp(value: .random(in: 1...9, using: &random)))
      #expect(!isTaken(forged, at: now))
      if index % 20 == 0 {
        #expect(isTaken(packet, at: now + .milliseconds(40)))
        for _ in 0..<5 { #expect(!isTaken(packet, at: now + .milliseconds(50))) }
      }
      #expect(probe.state.condition != .up)
    }
  }
}
