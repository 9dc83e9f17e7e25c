// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Measures one path by its probes over the last minute, in constant memory.
struct LinkMeter: Hashable {
  /// The time that the figures are of.
  static let window = Duration.seconds(60)
  /// An answer that takes longer is of no use to a call: it counts as lost.
  static let patience = Duration.seconds(2)
  /// The window's parts, of which the oldest is forgotten as a whole.
  private static let slots = 12
  private static let slotLength = window / slots
  /// Probes whose answers are waited for.
  private static let memory = 32

  private var probes: [Probe] = []
  private var losses = LossCount()
  /// When any answer came last.
  private(set) var lastAnswer: Duration?
  /// The newest answer that none has overtaken.
  private var last: Arrival?
  private var parts: [Part] = []
  private(set) var counters = ProbeCounters()

  private struct Probe: Hashable {
    let sequence: UInt32
    let timestamp: NTPTimestamp
    let moment: Duration
    /// R_RxC of the answer; 0 where the reflector does not count.
    var answer: UInt32?
  }

  private struct Arrival: Hashable {
    let sequence: UInt32
    let sent, received, roundTrip: Duration
    let there, back: NTPTimestamp
  }

  /// The sums over one part of the window.
  fileprivate struct Part: Hashable {
    let number: Int
    var losses = LossCount.Totals()
    var lossRunsThere = 0
    var lossRunsBack = 0
    var answers = 0
    var roundTrips = Duration.zero
    var least = Duration.seconds(3600)
    var most = Duration.zero
    var jitters = 0
    var jitterThere = Duration.zero
    var jitterBack = Duration.zero
    var duplicates = 0
    var reordered = 0
  }

  /// A probe leaves.
  mutating func send(_ packet: STAMPPacket, at now: Duration) {
    if probes.count == Self.memory { probes.removeFirst() }
    probes.append(Probe(sequence: packet.sequence, timestamp: packet.timestamp, moment: now))
    counters.sent += 1
  }

  /// Takes an answer in and returns the round trip; nil for one that is not the first to a probe of the last seconds.
  @discardableResult
  mutating func receive(_ answer: STAMPReflection, at now: Duration) -> Duration? {
    guard
      let index = probes.lastIndex(where: {
        $0.sequence == answer.senderSequence && $0.timestamp == answer.senderTimestamp
      }), now - probes[index].moment <= Self.patience
    else { return nil }
    let counts = DirectMeasurement(answeredIn: answer.extensions)
    let reached = counts?.reached ?? 0
    let former = probes[index].answer
    var part = part(at: now)
    defer { parts[parts.count - 1] = part }
    if former != nil {
      part.duplicates += 1
      counters.duplicates += 1
    }
    // On the way back it was doubled when the reflector has counted it once.
    guard former != reached else { return nil }
    probes[index].answer = reached
    let before = losses.totals
    losses.take(
      sequence: answer.senderSequence, counts: counts, isRepeated: former != nil,
      isNext: lastAnswer.map { $0 <= probes[index].moment } ?? false)
    lastAnswer = now
    part.note(losses.totals, since: before)
    // One that comes late was taken for lost.
    counters.transmitLost = max(counters.transmitLost, losses.totals.lostThere)
    counters.receiveLost = max(counters.receiveLost, losses.totals.lostBack)
    guard former == nil else { return nil }
    part.answers += 1
    return measure(answer, sent: probes[index].moment, at: now, in: &part)
  }

  private mutating func measure(
    _ answer: STAMPReflection, sent: Duration, at now: Duration, in part: inout Part
  ) -> Duration {
    let roundTrip = answer.roundTrip(sentAt: sent, receivedAt: now)
    part.note(roundTrip)
    counters.received += 1
    counters.roundTrips.add(roundTrip)
    let arrival = Arrival(
      sequence: answer.senderSequence, sent: sent, received: now, roundTrip: roundTrip,
      there: answer.receiveTimestamp, back: answer.timestamp)
    if let last, Int32(bitPattern: arrival.sequence &- last.sequence) <= 0 {
      part.reordered += 1
      counters.reordered += 1
    } else {
      if let last, !answer.errorEstimate.isPTP { measureJitter(from: last, to: arrival, in: &part) }
      last = arrival
    }
    return roundTrip
  }

  private func measureJitter(from last: Arrival, to arrival: Arrival, in part: inout Part) {
    let there = arrival.there.elapsed(since: last.there) - (arrival.sent - last.sent)
    let back = arrival.received - last.received - arrival.back.elapsed(since: last.back)
    // One way takes no longer than both; if it seems so the clock over there was set.
    let limit = max(arrival.roundTrip, last.roundTrip) + .milliseconds(1)
    guard there.magnitude <= limit, back.magnitude <= limit else { return }
    part.jitters += 1
    part.jitterThere += there.magnitude
    part.jitterBack += back.magnitude
  }

  private mutating func part(at now: Duration) -> Part {
    let number = Int(now / Self.slotLength)
    // What is read late may have come in the part before.
    if parts.last.map({ $0.number < number }) ?? true {
      parts.removeAll { $0.number <= number - Self.slots }
      parts.append(Part(number: number))
    }
    return parts[parts.count - 1]
  }

  /// What the last minute has shown.
  func figures(at now: Duration) -> LinkFigures { figures(of: recent(Self.window, at: now)) }

  /// What a time has shown without the five seconds in which most was lost: a short break says nothing of the rest.
  /// - Parameter start: what was lost before is left out.
  func steadyFigures(of window: Duration, since start: Duration, at now: Duration) -> LinkFigures {
    // A loss shows with the next answer, so the part in which it began is not looked at.
    var parts = recent(window, at: now).filter { $0.number > Int(start / Self.slotLength) }
    if let worst = parts.indices.max(by: { parts[$0].losses.lost < parts[$1].losses.lost }) {
      parts.remove(at: worst)
    }
    return figures(of: parts)
  }

  private func recent(_ window: Duration, at now: Duration) -> [Part] {
    let first = Int(now / Self.slotLength) - Int(window / Self.slotLength)
    return parts.filter { $0.number > first }
  }

  private func figures(of parts: [Part]) -> LinkFigures {
    func sum(_ key: KeyPath<Part, Int>) -> Int { parts.reduce(0) { $0 + $1[keyPath: key] } }
    var figures = LinkFigures()
    figures.answers = sum(\.answers)
    figures.duplicates = sum(\.duplicates)
    figures.reordered = sum(\.reordered)
    if figures.answers > 0, let least = parts.map(\.least).min(), let most = parts.map(\.most).max() {
      let mean = parts.reduce(.zero) { $0 + $1.roundTrips } / figures.answers
      figures.roundTrip = (least, mean, most)
    }
    figures.roundTripLossRatio = Self.ratio(sum(\.losses.lost), of: sum(\.losses.sent))
    let jitters = sum(\.jitters)
    if jitters > 0 {
      figures.transmit.jitter = parts.reduce(.zero) { $0 + $1.jitterThere } / jitters
      figures.receive.jitter = parts.reduce(.zero) { $0 + $1.jitterBack } / jitters
    }
    guard losses.totals.isDirectional else { return figures }
    figures.transmit.take(
      lost: sum(\.losses.lostThere), of: sum(\.losses.sent), runs: sum(\.lossRunsThere))
    figures.receive.take(
      lost: sum(\.losses.lostBack), of: sum(\.losses.returned), runs: sum(\.lossRunsBack))
    return figures
  }

  fileprivate static func ratio(_ part: Int, of whole: Int) -> Double? {
    whole > 0 ? min(max(Double(part) / Double(whole), 0), 1) : nil
  }
}

extension LinkMeter.Part {
  fileprivate mutating func note(_ totals: LossCount.Totals, since before: LossCount.Totals) {
    losses.sent += totals.sent - before.sent
    losses.returned += totals.returned - before.returned
    losses.lost += totals.lost - before.lost
    losses.lostThere += totals.lostThere - before.lostThere
    losses.lostBack += totals.lostBack - before.lostBack
    if totals.lostThere > before.lostThere { lossRunsThere += 1 }
    if totals.lostBack > before.lostBack { lossRunsBack += 1 }
  }

  fileprivate mutating func note(_ roundTrip: Duration) {
    roundTrips += roundTrip
    least = min(least, roundTrip)
    most = max(most, roundTrip)
  }
}

extension LinkFigures.Direction {
  fileprivate mutating func take(lost: Int, of sent: Int, runs: Int) {
    lossRatio = LinkMeter.ratio(lost, of: sent)
    guard let lossRatio, lost > 0, runs > 0 else { return }
    // The mean length of a run of losses, and what it would be if each packet had the same lot (1 / (1 - p)).
    burstRatio = max(1, Double(lost) / Double(runs) * (1 - lossRatio))
  }
}

extension Duration {
  fileprivate var magnitude: Duration { self < .zero ? .zero - self : self }
}
