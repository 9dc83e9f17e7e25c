// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Figures of a link")
struct LinkMeterTests {
  /// A path in virtual time: what becomes of each packet is decided by the caller.
  private struct Path {
    /// The fate of one packet on its way.
    enum Fate { case lost, arrives(after: Duration), arrivesTwice(after: Duration) }

    var meter = LinkMeter()
    var interval = Duration.milliseconds(500)
    var now = Duration.seconds(1000)
    /// How much the clock over there is ahead of ours.
    var offset = Duration.zero
    var counts = true
    private(set) var reflected: UInt32 = 0
    private var sequence: UInt32
    private var arrivals: [(at: Duration, event: Event)] = []

    private enum Event {
      case there(STAMPPacket, back: Fate)
      case back(STAMPReflection)
    }

    init(firstSequence: UInt32 = 0) { sequence = firstSequence }

    private func timestamp(_ moment: Duration) -> NTPTimestamp {
      let (seconds, attoseconds) = moment.components
      return NTPTimestamp(unixSeconds: seconds, nanoseconds: attoseconds / 1_000_000_000)
    }

    var counters: ProbeCounters { meter.counters }

    mutating func restartReflector() { reflected = 0 }

    mutating func probe(there: Fate, back: Fate) {
      run(until: now)
      let packet = STAMPPacket(
        sequence: sequence, timestamp: timestamp(now),
        extensions: counts ? DirectMeasurement(sent: sequence &+ 1).requestBytes : [])
      sequence &+= 1
      meter.send(packet, at: now)
      schedule(.there(packet, back: back), there)
      now += interval
    }

    /// Lets everything arrive that is on its way.
    mutating func settle() { run(until: now + .seconds(30)) }

    private mutating func schedule(_ event: Event, _ fate: Fate, from moment: Duration? = nil) {
      let moment = moment ?? now
      switch fate {
      case .lost: break
      case .arrives(let delay): arrivals.append((moment + delay, event))
      case .arrivesTwice(let delay):
        arrivals += [(moment + delay, event), (moment + delay + .microseconds(1), event)]
      }
    }

    private mutating func run(until end: Duration) {
      while let index = arrivals.indices.min(by: { arrivals[$0].at < arrivals[$1].at }),
        arrivals[index].at <= end
      {
        let (moment, event) = arrivals.remove(at: index)
        switch event {
        case .there(let packet, let back):
          let there = timestamp(moment + offset)
          let answer = STAMPReflection(
            to: packet, number: reflected, receivedAt: there, ttl: 255, sentAt: there)
          reflected &+= 1
          schedule(.back(answer), back, from: moment)
        case .back(let answer): meter.receive(answer, at: moment)
        }
      }
    }

    var figures: LinkFigures { meter.figures(at: now) }
  }

  private let good = Path.Fate.arrives(after: .milliseconds(10))

  @Test("nothing is known before the first answer, and no loss before the second")
  func empty() {
    var path = Path()
    #expect(path.figures == LinkFigures())
    path.probe(there: good, back: .lost)
    path.settle()
    #expect(path.figures == LinkFigures())
    path.probe(there: good, back: good)
    path.settle()
    #expect(path.figures.answers == 1 && path.figures.transmit.lossRatio == nil)
    #expect(path.figures.roundTrip?.mean == .milliseconds(20))
  }

  @Test("losses are told by direction, also where the sequence wraps", arguments: [0, UInt32.max - 40])
  func directions(first: UInt32) {
    var path = Path(firstSequence: first)
    for number in 0...100 {
      path.probe(there: number % 10 == 5 ? .lost : good, back: number % 25 == 7 ? .lost : good)
    }
    path.settle()
    let figures = path.figures
    #expect(figures.transmit.lossRatio == 0.1 && figures.transmit.burstRatio == 1)
    // Of the 90 that arrived there.
    #expect(figures.receive.lossRatio == 4 / 90.0)
    #expect(figures.roundTripLossRatio == 0.14 && figures.duplicates == 0 && figures.reordered == 0)
  }

  @Test("bursts are told from random losses")
  func bursts() {
    var path = Path()
    for number in 0...100 { path.probe(there: 40..<50 ~= number ? .lost : good, back: good) }
    path.settle()
    #expect(path.figures.transmit.lossRatio == 0.1)
    #expect(abs(path.figures.transmit.burstRatio - 9) < 1e-9, "10 in a row, 1 / 0.9 if they were random")
  }

  @Test("a reflector that does not count gives the loss of both ways, and of neither alone")
  func withoutCounts() {
    var path = Path()
    path.counts = false
    for number in 0...100 { path.probe(there: number % 10 == 5 ? .lost : good, back: good) }
    path.settle()
    #expect(path.figures.roundTripLossRatio == 0.1)
    #expect(path.figures.transmit.lossRatio == nil && path.figures.receive.lossRatio == nil)
    #expect(path.figures.quality(of: path.figures.transmit, codec: .g711).map { $0.mos < 4 } == true)
  }

  @Test("whatever is lost, doubled or overtaken, the figures are what happened", arguments: 0..<100)
  func anything(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var path = Path(firstSequence: UInt32.random(in: 0...UInt32.max, using: &random))
    path.interval = .milliseconds(100)
    var (lostThere, lostBack, reached, doubled) = (0, 0, 0, 0)
    func delay() -> Duration { .milliseconds(Int.random(in: 1...250, using: &random)) }
    path.probe(there: good, back: good)
    for _ in 0..<500 {
      let isLostThere = Int.random(in: 0..<10, using: &random) == 0
      let isLostBack = Int.random(in: 0..<5, using: &random) == 0
      let isDoubled = Int.random(in: 0..<20, using: &random) == 0
      lostThere += isLostThere ? 1 : 0
      reached += isLostThere ? 0 : 1
      lostBack += !isLostThere && isLostBack ? 1 : 0
      doubled += !isLostThere && !isLostBack && isDoubled ? 1 : 0
      path.probe(
        there: isLostThere ? .lost : .arrives(after: delay()),
        back: isLostBack ? .lost : isDoubled ? .arrivesTwice(after: delay()) : .arrives(after: delay()))
    }
    path.interval = .milliseconds(500)
    path.probe(there: good, back: good)
    path.probe(there: good, back: good)
    path.settle()
    let figures = path.figures
    #expect(figures.transmit.lossRatio == Double(lostThere) / 502, "seed \(seed)")
    #expect(figures.receive.lossRatio == Double(lostBack) / Double(reached + 2), "seed \(seed)")
    #expect(figures.duplicates == doubled && figures.answers == 503 - lostThere - lostBack, "seed \(seed)")
    let counters = path.counters
    #expect(counters.sent == 503 && counters.received == figures.answers, "seed \(seed)")
    #expect(counters.duplicates == doubled && counters.reordered == figures.reordered, "seed \(seed)")
    #expect(counters.roundTrips.counts.reduce(0, +) == counters.received, "seed \(seed)")
    // One that comes late was taken for lost, and a counter does not fall again.
    #expect(counters.transmitLost >= lostThere && counters.receiveLost >= lostBack, "seed \(seed)")
  }

  @Test("a packet that is doubled on the way there is a duplicate, and hides no loss")
  func doubledThere() {
    var path = Path()
    for number in 0...100 {
      path.probe(
        there: number % 10 == 5 ? .lost : number % 10 == 3 ? .arrivesTwice(after: .milliseconds(10)) : good,
        back: good)
    }
    path.settle()
    #expect(path.figures.transmit.lossRatio == 0.1 && path.figures.receive.lossRatio == 0)
    #expect(path.figures.duplicates == 10 && path.figures.answers == 91)
  }

  @Test("a reflector that starts again loses nothing by it")
  func restartedReflector() {
    var path = Path()
    for number in 0...100 {
      if number == 50 { path.restartReflector() }
      path.probe(there: good, back: number == 20 ? .lost : good)
    }
    path.settle()
    #expect(path.figures.transmit.lossRatio == 0 && path.figures.receive.lossRatio.map { $0 < 0.011 } == true)
  }

  @Test("jitter is the mean difference of delays, each way for itself, whatever the clocks say")
  func jitter() throws {
    var path = Path()
    path.offset = .seconds(-3_600_000)
    for number in 0...100 {
      path.probe(there: .arrives(after: .milliseconds(number % 2 == 0 ? 20 : 50)), back: good)
      // Somebody sets the clock over there: by an hour, and by a day.
      if number == 40 { path.offset += .seconds(3600) }
      if number == 60 { path.offset -= .seconds(86_400) }
    }
    path.settle()
    let there = try #require(path.figures.transmit.jitter)
    let back = try #require(path.figures.receive.jitter)
    #expect(abs(there / .milliseconds(1) - 30) < 0.001 && back < .microseconds(1))
    let roundTrip = try #require(path.figures.roundTrip)
    #expect(roundTrip.least == .milliseconds(30) && roundTrip.most == .milliseconds(60))
  }

  @Test("after a minute the past is forgotten, and memory stays the same")
  func window() {
    var path = Path()
    for number in 0..<100 { path.probe(there: number % 2 == 0 ? .lost : good, back: good) }
    for _ in 0..<120 { path.probe(there: good, back: good) }
    path.settle()
    #expect(path.figures.transmit.lossRatio == 0 && (100...120).contains(path.figures.answers))
    path.now += .seconds(61)
    #expect(path.figures == LinkFigures())
  }

  @Test("an answer that comes after two seconds is one that was lost; a foreign one counts nothing")
  func late() throws {
    var path = Path()
    for number in 0...20 {
      path.probe(there: good, back: number == 10 ? .arrives(after: .seconds(2)) : good)
    }
    path.settle()
    #expect(path.figures.receive.lossRatio == 0.05 && path.figures.reordered == 0)
    let before = path.figures
    let packet = STAMPPacket(sequence: 20, timestamp: NTPTimestamp(value: 99))
    let forged = STAMPReflection(
      to: packet, number: 7, receivedAt: packet.timestamp, ttl: 255, sentAt: packet.timestamp)
    path.meter.receive(forged, at: path.now)
    #expect(path.figures == before)
  }
}
