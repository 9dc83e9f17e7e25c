// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The probes of one path to a peer: which were sent, which came back, and what follows.
///
/// What counts is probes, not time: whoever slept has sent none, so that our own lateness never makes a path
/// look dead. Read the answers that wait before sending the next probe.
public struct PathProbe: Hashable, Sendable {
  /// So many probes in a row without an answer, and the path is down.
  public static let lossLimit = 6
  /// So many answers in a row, and it is up.
  public static let answersNeeded = 3
  /// An answer is taken while no more than so many later probes are on their way. A path whose answers all
  /// come later than that is of no use to a call, and must not look up and down in turns.
  static let patience = 3

  /// What has been found so far.
  public private(set) var state: PathState

  private let interval: Duration
  private var meter = LinkMeter()
  private var degradation = Degradation()
  /// When it was rated last.
  private var rated = Duration.zero
  /// Since when packets go both ways, however poorly.
  private var upSince = Duration.zero
  private var sequence: UInt32 = 0
  /// Probes whose answer would still be taken, oldest first; none that is older than the last answered one.
  private var pending: [Sent] = []
  private var missesInRow = 0
  private var answersInRow = 0

  private struct Sent: Hashable {
    let sequence: UInt32
    let timestamp: NTPTimestamp
    let moment: Duration
    var isMissed = false
  }

  /// Nothing is known yet; `interval` is the time that a probe has to come back before it counts as missed.
  public init(interval: Duration, at now: Duration) {
    self.interval = interval
    state = PathState(.unknown, since: now)
  }

  /// The next probe. `now` is monotonic; `timestamp` is the system's clock and only goes along.
  public mutating func send(at now: Duration, timestamp: NTPTimestamp) -> STAMPPacket {
    for index in pending.indices where !pending[index].isMissed && now - pending[index].moment >= interval {
      pending[index].isMissed = true
      missesInRow = min(missesInRow + 1, Self.lossLimit)
    }
    if missesInRow == Self.lossLimit { become(.down, at: now) }
    if pending.count == Self.patience {
      pending.removeFirst()
      answersInRow = 0
    }
    defer { sequence &+= 1 }
    pending.append(Sent(sequence: sequence, timestamp: timestamp, moment: now))
    let counts = DirectMeasurement(sent: sequence &+ 1)
    let packet = STAMPPacket(sequence: sequence, timestamp: timestamp, extensions: counts.requestBytes)
    meter.send(packet, at: now)
    return packet
  }

  /// Takes an answer in and returns the round trip; nil when it answers none of the pending probes.
  @discardableResult
  public mutating func receive(_ answer: STAMPReflection, at now: Duration) -> Duration? {
    meter.receive(answer, at: now)
    guard
      let index = pending.firstIndex(where: {
        $0.sequence == answer.senderSequence && $0.timestamp == answer.senderTimestamp
      })
    else { return nil }
    let roundTrip = answer.roundTrip(sentAt: pending[index].moment, receivedAt: now)
    answersInRow = min(index == 0 ? answersInRow + 1 : 1, Self.answersNeeded)
    pending.removeSubrange(...index)
    missesInRow = pending.count(where: \.isMissed)
    if answersInRow == Self.answersNeeded, !state.isUp { become(.up, at: now) }
    if state.isUp { state.roundTrip = roundTrip }
    return roundTrip
  }

  /// Between two ratings.
  private static let ratingInterval = Duration.seconds(1)

  /// Rates what a call would meet now, once a second however often it is called.
  public mutating func rate(by standard: CallStandard, at now: Duration) {
    guard state.isUp, now - rated >= Self.ratingInterval else { return }
    rated = now
    // An outage that is over is no reason to leave what works again.
    let figures = meter.steadyFigures(of: Degradation.window, since: upSince, at: now)
    degradation.update(
      mos: figures.worseMOS(codec: standard.codec), minimum: standard.minimumMOS, at: now)
    become(degradation.isDegraded ? .degraded : .up, at: now)
  }

  /// What the last minute has shown.
  public func figures(at now: Duration) -> LinkFigures { meter.figures(at: now) }

  /// Longest time between two probes of a path that is silent.
  static let longestPause = Duration.seconds(30)

  /// In how many intervals to send the next probe. A path that is silent is probed less and less, at a twelfth of the
  /// time that the silence has lasted, until something comes from there: in a large mesh most of what is known may be
  /// off. WireGuard goes on trying for a handshake each 5 s for 90 s after each packet.
  public func pause(at now: Duration) -> Int {
    guard state.condition == .down, answersInRow == 0, missesInRow == Self.lossLimit else { return 1 }
    return max(1, Int(min((now - state.since) / 12, Self.longestPause) / interval))
  }

  private mutating func become(_ condition: PathState.Condition, at now: Duration) {
    guard state.condition != condition else { return }
    if condition.isUp, !state.isUp { upSince = now }
    state = PathState(condition, since: now, roundTrip: condition == .down ? nil : state.roundTrip)
    if condition == .down { degradation = Degradation() }
  }
}
