// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// How many probes of a session were lost on the way there and on the way back, from the counts in the answers.
///
/// The counts are those of the moment at which a probe was answered, so that probes on their way are not missed, and
/// those whose answers were lost are known by the next answer.
struct LossCount: Hashable {
  /// What the answers so far tell.
  struct Totals: Hashable {
    /// Sent since the first answer, up to the newest that was answered.
    var sent = 0
    /// Sent back by the reflector since then.
    var returned = 0
    /// Lost on the way there, on the way back, and on either. Each falls when one comes late that was taken for lost.
    var lostThere = 0
    var lostBack = 0
    var lost = 0
    /// Whether the reflector counts, so that the directions are told apart.
    var isDirectional = false
  }

  /// Counts that fall by more than this are those of a reflector that has started again, not of a late answer.
  private static let reorderingLimit = 64

  private(set) var totals = Totals()
  /// What the sessions with a reflector that has started again since have shown.
  private var base = Totals()
  private var first: Position?
  private var newest: Position?
  /// Probes answered since the first one, and answers to them, which are more where a probe came there twice.
  private var answered = 0
  private var answers = 0

  private struct Position: Hashable {
    var sequence: UInt32
    var counts: DirectMeasurement?
  }

  /// Takes the answer to a probe in, each once.
  /// - Parameters:
  ///   - isRepeated: whether the probe was answered before, since it arrived there twice.
  ///   - isNext: whether it was sent after all answers so far had come, so that it cannot have overtaken any.
  mutating func take(sequence: UInt32, counts: DirectMeasurement?, isRepeated: Bool, isNext: Bool) {
    guard let first, var newest, !hasRestarted(counts, since: newest, isNext: isNext) else {
      let position = Position(sequence: sequence, counts: counts)
      (first, newest) = (position, position)
      (answered, answers) = (0, 0)
      totals.isDirectional = counts != nil
      base = totals
      return
    }
    if !isRepeated { answered += 1 }
    answers += 1
    if Self.difference(sequence, newest.sequence) > 0 { newest.sequence = sequence }
    if let counts, let held = newest.counts {
      newest.counts = DirectMeasurement(
        sent: Self.later(counts.sent, held.sent), reached: Self.later(counts.reached, held.reached),
        returned: Self.later(counts.returned, held.returned))
    }
    self.newest = newest
    update(from: first, to: newest)
  }

  private mutating func update(from first: Position, to newest: Position) {
    let sent = Self.difference(newest.sequence, first.sequence)
    totals.sent = base.sent + sent
    totals.lost = base.lost + sent - answered
    guard let begin = first.counts, let end = newest.counts else { return }
    let returned = Self.difference(end.returned, begin.returned)
    let reached = Self.difference(end.reached, begin.reached) - (answers - answered)
    totals.returned = base.returned + returned
    totals.lostThere = base.lostThere + sent - reached
    totals.lostBack = base.lostBack + returned - answers
  }

  private func hasRestarted(_ counts: DirectMeasurement?, since newest: Position, isNext: Bool) -> Bool {
    guard let counts, let held = newest.counts else { return (counts == nil) != (newest.counts == nil) }
    let growth = Self.difference(counts.reached, held.reached)
    return growth < -Self.reorderingLimit || isNext && growth <= 0
  }

  /// Counts wrap.
  private static func difference(_ one: UInt32, _ other: UInt32) -> Int {
    Int(Int32(bitPattern: one &- other))
  }
  private static func later(_ one: UInt32, _ other: UInt32) -> UInt32 {
    difference(one, other) > 0 ? one : other
  }
}
