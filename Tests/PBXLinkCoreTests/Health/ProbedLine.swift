// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

@testable import PBXLinkCore

/// A line between two sites that probe each other, in a time of its own.
struct ProbedLine {
  /// One end of it.
  struct Site {
    /// Nil for a reflector of others: it answers, and neither probes nor knows our TLV.
    var probe: PathProbe?
    var answers: UInt32 = 0
    /// Whether Asterisk answers here, which needs no agent.
    var hasAsterisk = true
    /// Until then it neither reads nor sends; what comes waits, with the time at which it came.
    var sleepsUntil = Duration.zero
    /// What it has found, and when.
    var course: [(at: Duration, condition: PathState.Condition)] = []

    var conditions: [PathState.Condition] { course.map(\.condition) }
    var condition: PathState.Condition? { course.last?.condition }
  }

  private enum Datagram {
    case probe(STAMPPacket)
    case answer(STAMPReflection)
    case padded(STAMPPacket)
    case paddedAnswer(STAMPReflection)
    case poke(IAXPoke)
    case pong([UInt8])
  }

  var sites: [Site]
  private(set) var now = Duration.zero
  /// One way.
  var delay = Duration.milliseconds(20)
  /// What is added to it by chance.
  var jitter = Duration.zero
  /// The share of packets lost on the way from each site.
  var loss = [0.0, 0.0]
  /// The largest IP packet that gets through.
  var carries = 1500
  /// The share of packets that come twice.
  var doubled = 0.0
  /// By so much each of them wakes too late, at most.
  var lateness = [Duration.zero, .zero]
  var standard: CallStandard?
  /// What the clock on each wall shows at the beginning, in seconds of Unix time; changing it sets that clock.
  var clocks: [Int64] = [1_800_000_000, 1_800_000_000]
  private var underway: [(at: Duration, to: Int, what: Datagram)] = []
  private var random: SplitMix64

  init(_ detection: [FailureDetection?] = [.normal, .normal], seed: UInt64 = 1) {
    random = SplitMix64(seed: seed)
    sites = detection.map { _ in Site() }
    for (index, detection) in detection.enumerated() { start(index, detection) }
  }

  /// A new agent, that knows nothing of a former one's session.
  mutating func start(_ index: Int, _ detection: FailureDetection?) {
    let discriminator = UInt32.random(in: 1...UInt32.max, using: &random)
    sites[index].probe = detection.map { PathProbe($0.timing, discriminator: discriminator, at: now) }
    sites[index].answers = 0
    note(index)
  }

  /// An agent that tells that it ends.
  mutating func stop(_ index: Int) {
    let moment = stamp(now, at: index)
    if let packet = sites[index].probe?.lastProbe(at: now, timestamp: moment) {
      send(.probe(packet), from: index)
    }
    kill(index)
  }

  /// An agent that is there no more.
  mutating func kill(_ index: Int) {
    sites[index].probe = nil
    sites[index].sleepsUntil = .seconds(1_000_000)
  }

  mutating func revive(_ index: Int, _ detection: FailureDetection = .normal) {
    sites[index].sleepsUntil = now
    underway.removeAll { $0.to == index && $0.at < now }
    start(index, detection)
  }

  mutating func run(for duration: Duration) {
    let end = now + duration
    while let step = nextStep(), step.at <= end {
      now = max(now, step.at)
      if let index = step.datagram { arrive(underway.remove(at: index)) } else { tick(step.site) }
    }
    now = end
  }

  private func nextStep() -> (at: Duration, site: Int, datagram: Int?)? {
    var steps = underway.enumerated().map { index, packet in
      if case .poke = packet.what { return (at: packet.at, site: packet.to, datagram: Int?.some(index)) }
      return (at: max(packet.at, sites[packet.to].sleepsUntil), site: packet.to, datagram: index)
    }
    for (index, site) in sites.enumerated() {
      if let probe = site.probe { steps.append((max(probe.due, site.sleepsUntil), index, nil)) }
    }
    // What has come is read first, in the order in which it came.
    return steps.min { one, other in
      (one.at, one.datagram ?? .max) < (other.at, other.datagram ?? .max)
    }
  }

  private mutating func tick(_ index: Int) {
    if lateness[index] > .zero {
      let late = lateness[index] * Double.random(in: 0...1, using: &random)
      if let due = sites[index].probe?.due, now < due + late, sites[index].sleepsUntil < now {
        sites[index].sleepsUntil = due + late
        if due + late > now { return }
      }
    }
    let (moment, chance) = (stamp(now, at: index), Double.random(in: 0...1, using: &random))
    if let packets = sites[index].probe?.tick(at: now, timestamp: moment, jitter: chance) {
      send(.probe(packets.probe), from: index)
      if let poke = packets.poke { send(.poke(poke), from: index) }
      if let padded = packets.padded, padded.bytes.count + 28 <= carries {
        send(.padded(padded), from: index)
      }
    }
    precondition(sites[index].probe.map { $0.due > now } ?? true, "it would be asked again and again")
    if let standard { sites[index].probe?.rate(by: standard, at: now) }
    note(index)
  }

  private mutating func arrive(_ packet: (at: Duration, to: Int, what: Datagram)) {
    switch packet.what {
    case .poke(let poke):
      guard sites[packet.to].hasAsterisk else { return }
      // The numbers of the dialog the other way round, and a PONG.
      let number = Array(poke.bytes[0..<2])
      send(
        .pong([0x80, 1, number[0] & 0x7f, number[1]] + poke.bytes[4..<8] + [0, 1, 6, 3]), from: packet.to)
    case .pong(let bytes):
      if let poke = IAXPoke(answeredBy: bytes) { sites[packet.to].probe?.receive(poke, at: packet.at) }
    case .padded(let probe):
      let moment = stamp(now, at: packet.to)
      let answer = STAMPReflection(to: probe, number: 0, receivedAt: moment, ttl: 255, sentAt: moment)
      send(.paddedAnswer(answer), from: packet.to)
    case .paddedAnswer(let answer):
      precondition(answer.bytes.count + 28 <= carries)
      sites[packet.to].probe?.receive(padded: answer, at: packet.at)
    case .answer(let answer): sites[packet.to].probe?.receive(answer, at: packet.at)
    case .probe(let probe):
      let liveness = sites[packet.to].probe?.receive(probe, at: packet.at)
      let answer = STAMPReflection(
        to: probe, number: sites[packet.to].answers, receivedAt: stamp(packet.at, at: packet.to), ttl: 255,
        sentAt: stamp(now, at: packet.to),
        liveness: liveness)
      sites[packet.to].answers += 1
      send(.answer(answer), from: packet.to)
    }
    note(packet.to)
  }

  private mutating func send(_ what: Datagram, from index: Int) {
    guard Double.random(in: 0..<1, using: &random) >= loss[index] else { return }
    for _ in 0..<(Double.random(in: 0..<1, using: &random) < doubled ? 2 : 1) {
      let arrival = now + delay + jitter * Double.random(in: 0...1, using: &random)
      let place = underway.lastIndex { $0.at <= arrival }.map { $0 + 1 } ?? 0
      underway.insert((arrival, 1 - index, what), at: place)
    }
  }

  private mutating func note(_ index: Int) {
    guard let condition = sites[index].probe?.state.condition, condition != sites[index].condition else {
      return
    }
    sites[index].course.append((now, condition))
  }

  private func stamp(_ moment: Duration, at index: Int) -> NTPTimestamp {
    NTPTimestamp(
      unixSeconds: clocks[index] + moment.components.seconds,
      nanoseconds: moment.components.attoseconds / 1_000_000_000)
  }
}
