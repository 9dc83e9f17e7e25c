// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Whether packets go both ways on a path: by a BFD session with the agent at its other end, or, where a reflector of
/// others is there, by its answers alone.
struct PathLiveness: Hashable, Sendable {
  /// Without a session so many answers in a row are needed.
  static let answersNeeded = 3
  /// The agent there was stopped in an orderly way, for an upgrade most often: for so long that says nothing of the path.
  static let stopGrace = Duration.seconds(120)
  /// It was started anew, or we have slept: the session has to begin again.
  static let restartGrace = Duration.seconds(3)

  private(set) var session: BFDSession
  /// Until when the session is down for a reason that is not the path's.
  private(set) var graceUntil: Duration?
  /// When something came last.
  private(set) var lastHeard: Duration?

  private var timing: BFDSession.Timing
  /// Between the last two probes, from a sequence number on, and before.
  private var interval = Duration.zero
  private var intervalStart: UInt32 = 0
  private var formerInterval = Duration.zero
  private var lastAnswered: UInt32?
  private var answersInRow = 0
  private var answersDeadline: Duration?
  private var isAnswered = false

  init(_ timing: BFDSession.Timing, discriminator: UInt32) {
    self.timing = timing
    session = BFDSession(timing, discriminator: discriminator)
  }

  var isUp: Bool { session.state == .up || isAnswered }

  /// When it is down unless something comes.
  var deadline: Duration? { [session.deadline, answersDeadline].compactMap(\.self).min() }

  /// Between two packets; nil: none are wanted.
  var transmitInterval: Duration? { answersInRow > 0 ? timing.transmit : session.transmitInterval }

  /// Takes in what the other end says of the session; false when that is none of ours.
  @discardableResult
  mutating func receive(
    _ packet: BFDPacket, answeringEach answerInterval: Duration? = nil, at now: Duration
  ) -> Bool {
    let former = session.remote
    guard session.receive(packet, answeringEach: answerInterval, at: now) else { return false }
    lastHeard = now
    if session.state == .up {
      graceUntil = nil
      forgetAnswers()
    } else if packet.state == .adminDown {
      graceUntil = now + Self.stopGrace
    } else if let former, former.state == .up, former.myDiscriminator != packet.myDiscriminator {
      graceUntil = now + Self.restartGrace
    }
    return true
  }

  /// Takes in the answer to a probe of ours, with the other end of the session if there is one.
  mutating func receive(answerTo sequence: UInt32, _ packet: BFDPacket?, at now: Duration) {
    if let packet {
      receive(packet, answeringEach: interval(at: sequence), at: now)
    } else if session.remote == nil {
      lastHeard = now
      answersInRow = lastAnswered == sequence &- 1 ? min(answersInRow + 1, Self.answersNeeded) : 1
      lastAnswered = sequence
      isAnswered = isAnswered || answersInRow == Self.answersNeeded
      answersDeadline = now + silenceLimit
    }
  }

  /// A probe leaves.
  mutating func send(_ sequence: UInt32) {
    guard let interval = transmitInterval, interval != self.interval else { return }
    (formerInterval, self.interval, intervalStart) = (self.interval, interval, sequence)
  }

  /// How often probes left at that time: on a long way the answers to a former pace still come.
  private func interval(at sequence: UInt32) -> Duration {
    Int32(bitPattern: sequence &- intervalStart) >= 0 ? interval : max(interval, formerInterval)
  }

  /// Time has passed; what we do late ourselves is no fault of the path.
  mutating func pass(to now: Duration, late: Duration) {
    if late > .zero {
      let listensAnew = late >= timing.transmit
      // The other end has not heard us either.
      if listensAnew, !isUp { graceUntil = max(graceUntil ?? .zero, now + Self.restartGrace) }
      answersDeadline = answersDeadline.map { listensAnew ? max($0, now + silenceLimit) : $0 + late }
    }
    session.pass(to: now, late: late)
    if let graceUntil, now >= graceUntil { self.graceUntil = nil }
    if let answersDeadline, now >= answersDeadline { forgetAnswers() }
  }

  /// Asks for something else from now on.
  mutating func set(_ timing: BFDSession.Timing) {
    self.timing = timing
    session.set(timing)
  }

  /// Tells the other end that we stop.
  mutating func shutDown() { session.shutDown() }

  private var silenceLimit: Duration { timing.transmit * Int(timing.multiplier) }

  private mutating func forgetAnswers() {
    (answersDeadline, answersInRow, isAnswered, lastAnswered) = (nil, 0, false, nil)
  }
}
