// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@Suite("Faults that are not the path's")
struct PathLivenessTests {
  @Test(
    "an agent that is held for five seconds never calls its peer dead, and knows the path at once",
    arguments: 0..<20)
  func held(seed: UInt64) throws {
    var line = ProbedLine(seed: seed)
    line.run(for: .seconds(20) + .milliseconds(Int(seed) * 13))
    line.sites[0].sleepsUntil = line.now + .seconds(5)
    line.run(for: .seconds(6))
    #expect(!line.sites[0].conditions.contains(.down))
    #expect(line.sites.allSatisfy { $0.condition == .up })
    #expect(line.sites[1].conditions == [.unknown, .up, .down, .up], "it has heard nothing")
  }

  @Test("an agent on a busy server never calls its peer dead", arguments: 0..<20)
  func busy(seed: UInt64) {
    var line = ProbedLine(seed: seed)
    line.run(for: .seconds(20))
    line.lateness[0] = .milliseconds(900)
    line.run(for: .seconds(600))
    #expect(!line.sites[0].conditions.contains(.down))
    #expect(line.sites[1].conditions == [.unknown, .up], "nor is it called so")
  }

  @Test(
    "a clock that is set, at either end, changes neither the path nor its figures",
    arguments: [3600, -3600, 1, -1, 86_400 * 365 * 20], [0, 1])
  func clockStep(seconds: Int64, site: Int) throws {
    var line = ProbedLine()
    line.standard = CallStandard(codec: "ulaw", minimumMOS: 3.6)
    line.run(for: .seconds(100))
    line.clocks[site] += seconds
    line.run(for: .seconds(50))
    for site in line.sites { try expectHealthy(site, at: line.now) }
  }

  @Test(
    "the end of NTP's era in 2036 is no event, nor are clocks on both sides of it", arguments: [0, -100, 100])
  func era(difference: Int64) throws {
    var line = ProbedLine()
    // 7 February 2036, 06:28:16 UTC is the first second of the next era.
    line.clocks = [2_085_978_496 - 50, 2_085_978_496 - 50 + difference]
    line.run(for: .seconds(100))
    for site in line.sites { try expectHealthy(site, at: line.now) }
  }

  private func expectHealthy(_ site: ProbedLine.Site, at now: Duration) throws {
    #expect(site.conditions == [.unknown, .up])
    let figures = try #require(site.probe?.figures(at: now))
    let roundTrip = try #require(figures.roundTrip)
    #expect(roundTrip.mean >= .milliseconds(39) && roundTrip.most <= .milliseconds(41))
    for direction in [figures.transmit, figures.receive] {
      #expect(direction.lossRatio == 0 && direction.jitter.map { $0 < .milliseconds(1) } == true)
    }
  }

  @Test("on a busy server a peer that is dead is still found to be")
  func busyAndDead() throws {
    var line = ProbedLine()
    line.lateness[0] = .milliseconds(250)
    line.run(for: .seconds(20))
    let cut = line.now
    line.loss = [1, 1]
    line.run(for: .seconds(20))
    #expect(line.sites[0].conditions == [.unknown, .up, .down])
    #expect(try #require(line.sites[0].course.last).at - cut < .seconds(5))
  }

  @Test(
    "an agent that is started again is no fault of the path, even when it had no time to tell",
    arguments: 0..<20)
  func restarted(seed: UInt64) {
    var line = ProbedLine(seed: seed)
    line.run(for: .seconds(20) + .milliseconds(Int(seed) * 13))
    line.kill(0)
    line.run(for: .milliseconds(700))
    line.revive(0)
    line.run(for: .seconds(20))
    #expect(line.sites[1].conditions == [.unknown, .up, .unknown, .up])
    #expect(line.sites[0].condition == .up)
  }

  @Test("both started again at once find each other")
  func bothRestarted() {
    var line = ProbedLine()
    line.run(for: .seconds(20))
    for index in [0, 1] { line.start(index, .normal) }
    line.run(for: .seconds(1))
    #expect(line.sites.allSatisfy { $0.condition == .up })
  }

  @Test("of a peer that has taken its leave nothing is known for two minutes; then it is down")
  func stopped() {
    var line = ProbedLine()
    line.run(for: .seconds(20))
    line.stop(0)
    line.run(for: .seconds(119))
    #expect(line.sites[1].conditions == [.unknown, .up, .unknown])
    line.run(for: .seconds(2))
    #expect(line.sites[1].conditions == [.unknown, .up, .unknown, .down])
    line.revive(0)
    line.run(for: .seconds(11))
    #expect(line.sites.allSatisfy { $0.condition == .up })
  }

  @Test("a peer that has taken its leave and comes back a minute later was never down")
  func upgraded() {
    var line = ProbedLine()
    line.run(for: .seconds(20))
    line.stop(0)
    line.run(for: .seconds(60))
    line.revive(0)
    line.run(for: .seconds(2))
    #expect(line.sites[1].conditions == [.unknown, .up, .unknown, .up])
  }

  @Test("one that does not come back is down as soon as its silence lasts longer than a start takes")
  func crashed() throws {
    var line = ProbedLine()
    line.run(for: .seconds(20))
    let death = line.now
    line.kill(0)
    line.run(for: .seconds(2))
    #expect(line.sites[1].conditions == [.unknown, .up, .down])
    #expect(try #require(line.sites[1].course.last).at - death < .milliseconds(1600))
  }

  @Test("a reflector of others is up with three answers in a row, and down after five intervals of silence")
  func foreign() throws {
    var line = ProbedLine([.normal, nil])
    line.run(for: .seconds(20))
    #expect(line.sites[0].conditions == [.unknown, .up])
    #expect(try #require(line.sites[0].course.last).at < .seconds(1))
    let cut = line.now
    line.loss = [1, 1]
    line.run(for: .seconds(5))
    #expect(line.sites[0].conditions == [.unknown, .up, .down])
    #expect(try #require(line.sites[0].course.last).at - cut < .milliseconds(1600))
    line.loss = [0, 0]
    line.run(for: .seconds(5))
    #expect(line.sites[0].condition == .up)
    line.sites[0].sleepsUntil = line.now + .seconds(5)
    line.run(for: .seconds(10))
    #expect(line.sites[0].conditions.count == 4, "our own sleep is no silence of its")
  }

  @Test("an agent of a former version, which only answers, is upgraded and put back")
  func versions() {
    var line = ProbedLine([.normal, nil])
    line.run(for: .seconds(20))
    line.start(1, .normal)
    line.run(for: .seconds(20))
    #expect(line.sites.allSatisfy { $0.conditions == [.unknown, .up] })
    line.sites[1].probe = nil
    line.run(for: .seconds(20))
    #expect(line.sites[0].conditions == [.unknown, .up, .down, .up])
  }

  @Test("another detection time while the path is up is taken without a break, in both directions")
  func changed() throws {
    var line = ProbedLine()
    line.run(for: .seconds(20))
    for detection in [FailureDetection.slow, .fast, .normal, .slow, .normal, .fast] {
      line.sites[0].probe?.set(detection.timing)
      line.run(for: .seconds(20))
      #expect(line.sites.allSatisfy { $0.conditions == [.unknown, .up] }, "\(detection)")
    }
    let cut = line.now
    line.loss = [1, 1]
    line.run(for: .seconds(2))
    for site in line.sites { #expect(try #require(site.course.last).at - cut < .milliseconds(530)) }
  }

  @Test(
    "whatever happens for ten minutes, a line that works again is up at both ends soon after",
    arguments: 0..<30)
  func anything(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var line = ProbedLine(seed: seed)
    for _ in 0..<60 {
      let site = Int.random(in: 0...1, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: line.loss[site] = 1
      case 1: line.loss[site] = .random(in: 0...1, using: &random)
      case 2: line.loss = [0, 0]
      case 3: line.sites[site].sleepsUntil = line.now + .milliseconds(.random(in: 1...9_000, using: &random))
      case 4: line.start(site, FailureDetection.allCases.randomElement(using: &random))
      case 5:
        line.sites[site].probe?.set(FailureDetection.allCases[Int.random(in: 0...2, using: &random)].timing)
      case 6: line.delay = .milliseconds(.random(in: 1...900, using: &random))
      default: line.lateness[site] = .milliseconds(.random(in: 0...2_000, using: &random))
      }
      line.run(for: .milliseconds(.random(in: 1...20_000, using: &random)))
    }
    (line.loss, line.delay, line.lateness) = ([0, 0], .milliseconds(20), [.zero, .zero])
    for index in [0, 1] where line.sites[index].probe == nil { line.start(index, .normal) }
    line.run(for: .seconds(45))
    #expect(line.sites.allSatisfy { $0.condition == .up })
  }
}
