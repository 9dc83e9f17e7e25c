// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What Asterisk at the other end of a path has answered so far.
public struct AsteriskAnswers: Hashable, Sendable {
  /// When it answered last, on the monotonic clock of whoever asks; nil: never.
  public internal(set) var last: Duration?
  /// The time there and back of that answer.
  public internal(set) var roundTrip: Duration?
  /// Whether it has left several questions in a row without an answer.
  public internal(set) var isSilent = false

  /// Nothing asked yet.
  public init() {}
}

/// Asks Asterisk at the other end of a path for a sign of life, together with some of the path's probes.
struct AsteriskProbe: Hashable, Sendable {
  /// Between two questions while it answers.
  static let interval = Duration.seconds(5)
  /// How long an answer may take; Dial refuses peers that take longer, too (`qualify` in our iax.conf).
  static let patience = Duration.milliseconds(1500)
  /// So many without an answer, and it is silent.
  static let limit = 3

  private(set) var answers = AsteriskAnswers()
  private var pending: IAXPoke?
  private var sent = Duration.zero
  private var misses = 0
  private var number: UInt32 = 0
  private var due = Duration.zero

  /// A question, if it is time for one.
  mutating func poke(at now: Duration) -> IAXPoke? {
    guard now >= due else { return nil }
    if pending != nil {
      misses = min(misses + 1, Self.limit)
      answers.isSilent = misses == Self.limit
    }
    number &+= 1
    let poke = IAXPoke(number: number)
    (pending, sent) = (poke, now)
    due = now + Self.patience
    return poke
  }

  /// Takes an answer in; one to another question says nothing.
  mutating func receive(_ poke: IAXPoke, at now: Duration) {
    guard poke == pending else { return }
    pending = nil
    misses = 0
    (answers.last, answers.roundTrip, answers.isSilent) = (now, now - sent, false)
    due = sent + Self.interval
  }

  /// The path has changed: asks with the next probe.
  mutating func hurry() { due = .zero }
}
