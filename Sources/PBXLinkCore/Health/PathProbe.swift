// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The probes of one path to a peer: which are sent, what comes back, and what follows.
///
/// Whoever runs it calls ``tick(at:timestamp:jitter:)`` when it is ``due``, after taking in what has come.
public struct PathProbe: Hashable, Sendable {
  /// What has been found so far.
  public private(set) var state: PathState
  /// Whether packets can leave at all; without an endpoint of the peer a path that is down is left alone.
  public private(set) var hasEndpoint = true

  private var liveness: PathLiveness
  private var asterisk: AsteriskProbe?
  private var padded: PaddedProbes?
  private var meter = LinkMeter()
  private var degradation = Degradation()
  /// When it was rated last.
  private var rated = Duration.zero
  /// Since when packets go both ways, however poorly.
  private var upSince = Duration.zero
  private var sequence: UInt32 = 0
  private var nextProbe: Duration
  /// Until when nothing is known of a path that nothing has come by.
  private var unknownUntil: Duration?

  /// For so long nothing is said of a new path that is silent.
  static let firstWait = Duration.seconds(3)
  /// Longest time between two probes of a path that is silent.
  static let longestPause = Duration.seconds(30)
  /// Time between two looks at a path that leads nowhere.
  static let rest = Duration.seconds(300)
  /// Probes leave at multiples of this, so that many paths do not wake us for each.
  public static let grain = Duration.milliseconds(5)

  /// Nothing is known yet.
  /// - Parameters:
  ///   - discriminator: our name for the BFD session: not 0, and of this path alone.
  ///   - asksAsterisk: whether there is one at the other end.
  ///   - first: when the first probe leaves.
  public init(
    _ timing: BFDSession.Timing, discriminator: UInt32, asksAsterisk: Bool = true, first: Duration? = nil,
    at now: Duration
  ) {
    asterisk = asksAsterisk ? AsteriskProbe() : nil
    liveness = PathLiveness(timing, discriminator: discriminator)
    state = PathState(.unknown, since: now)
    nextProbe = first ?? now
    unknownUntil = now + Self.firstWait
  }

  /// When to call next.
  public var due: Duration { min(nextProbe, deadline ?? nextProbe) }

  private var deadline: Duration? {
    [liveness.deadline, unknownUntil, state.condition == .unknown ? liveness.graceUntil : nil].compactMap(
      \.self
    ).min()
  }

  /// What leaves at a time.
  public struct Packets: Hashable, Sendable {
    /// To the agent there.
    public let probe: STAMPPacket
    /// To Asterisk there, now and then.
    public let poke: IAXPoke?
    /// To the agent there in a session of its own, now and then: one that is long.
    public let padded: STAMPPacket?
  }

  /// Judges the silence so far, and gives the next probe if it is time for one.
  /// - Parameters:
  ///   - now: monotonic.
  ///   - timestamp: the system's clock, which only goes along.
  ///   - jitter: by chance from 0 to 1; it makes the time to the next probe up to a quarter shorter (RFC 5880 §6.8.7).
  public mutating func tick(at now: Duration, timestamp: NTPTimestamp, jitter: Double) -> Packets? {
    let late = max(.zero, now - due)
    liveness.pass(to: now, late: late)
    if let end = unknownUntil {
      let end = end + late
      unknownUntil = now < end ? end : nil
    }
    judge(at: now)
    guard now >= nextProbe else { return nil }
    defer { planNextProbe(at: now, jitter: jitter) }
    guard hasEndpoint || state.condition != .down else { return nil }
    let poke = asterisk?.poke(at: now)
    noteAsterisk()
    return Packets(
      probe: probe(at: now, timestamp: timestamp), poke: poke,
      padded: paddedProbe(at: now, timestamp: timestamp))
  }

  private mutating func paddedProbe(at now: Duration, timestamp: NTPTimestamp) -> STAMPPacket? {
    guard state.isUp, padded?.isDue(at: now) == true else { return nil }
    defer { state.mtu = padded?.mtu }
    let loss = figures(at: now).roundTripLossRatio ?? 0
    return padded?.next(at: now, timestamp: timestamp, lastAnswer: meter.lastAnswer, loss: loss)
  }

  /// Takes the answer to a long probe in.
  public mutating func receive(padded answer: STAMPReflection, at now: Duration) {
    padded?.receive(answer, at: now)
    state.mtu = padded?.mtu
  }

  /// Looks for the largest packet that gets through, up to the interface's MTU in bytes.
  public mutating func searchMTU(upTo largest: Int, at now: Duration) {
    guard let former = padded?.largest else { return padded = PaddedProbes(upTo: largest, at: now) }
    if former != largest { padded?.restart(upTo: largest, at: now) }
    state.mtu = padded?.mtu
  }

  private mutating func probe(at now: Duration, timestamp: NTPTimestamp) -> STAMPPacket {
    defer { sequence &+= 1 }
    let packet = STAMPPacket(sequence: sequence, timestamp: timestamp, liveness: liveness.session.packet)
    meter.send(packet, at: now)
    liveness.send(sequence)
    return packet
  }

  /// A path that is silent is probed less and less, at a twelfth of the time that the silence has lasted, until something
  /// comes from there: in a large mesh most of what is known may be off. WireGuard goes on trying for a handshake each 5 s
  /// for 90 s after each packet.
  private mutating func planNextProbe(at now: Duration, jitter: Double) {
    var interval = liveness.transmitInterval ?? Self.rest
    if state.condition == .down {
      let silence = now - max(state.since, liveness.lastHeard ?? .zero)
      interval = hasEndpoint ? max(interval, min(silence / 12, Self.longestPause)) : Self.rest
    }
    let step = BFDSession.shortened(interval, by: jitter)
    // From when the last one was due, so that lateness does not add up; one that was missed is left out, since a burst
    // would tell nothing.
    let next = nextProbe + step > now ? nextProbe + step : now + step
    nextProbe = Self.grain * Int((next / Self.grain).rounded(.up))
  }

  /// Takes an answer in and returns the round trip; nil when it answers none of the last probes.
  @discardableResult
  public mutating func receive(_ answer: STAMPReflection, at now: Duration) -> Duration? {
    guard let roundTrip = meter.receive(answer, at: now) else { return nil }
    take(at: now) { $0.receive(answerTo: answer.senderSequence, answer.liveness, at: now) }
    if state.isUp { state.roundTrip = roundTrip }
    return roundTrip
  }

  /// Takes the peer's own probe in, and returns what its answer is to say of the session; nil when it has none with us.
  public mutating func receive(_ probe: STAMPPacket, at now: Duration) -> BFDPacket? {
    guard let packet = probe.liveness else {
      hurry(at: now)
      return nil
    }
    var isOurs = false
    take(at: now) { isOurs = $0.receive(packet, at: now) }
    return isOurs ? liveness.session.answer(to: packet) : nil
  }

  /// Takes an answer of Asterisk's in.
  public mutating func receive(_ poke: IAXPoke, at now: Duration) {
    asterisk?.receive(poke, at: now)
    noteAsterisk()
  }

  private mutating func noteAsterisk() {
    if let asterisk { state.asterisk = asterisk.answers }
  }

  /// What has come may change the session, which the peer learns at once.
  private mutating func take(at now: Duration, _ body: (inout PathLiveness) -> Void) {
    let before = liveness.session.state
    // Whoever has slept and finds its peer's complaint about that judges when it has sent again.
    let hasSlept = now - nextProbe > BFDSession.slowInterval
    body(&liveness)
    if liveness.session.state != before { nextProbe = min(nextProbe, now) }
    hurry(at: now)
    if liveness.isUp || !hasSlept { judge(at: now) }
  }

  /// Something has come from the peer: a path that was silent is probed as often as others again.
  public mutating func hurry(at now: Duration) {
    hasEndpoint = true
    if let interval = liveness.transmitInterval { nextProbe = min(nextProbe, now + interval) }
  }

  /// Asks for another detection time from now on; the peer is told with the next probe.
  public mutating func set(_ timing: BFDSession.Timing) { liveness.set(timing) }

  /// No endpoint of the peer is known; the path is probed no more once it is down.
  public mutating func loseEndpoint() { hasEndpoint = false }

  /// Tells the peer with one more probe that it should expect no others.
  public mutating func lastProbe(at now: Duration, timestamp: NTPTimestamp) -> STAMPPacket {
    liveness.shutDown()
    return probe(at: now, timestamp: timestamp)
  }

  private mutating func judge(at now: Duration) {
    if liveness.isUp {
      unknownUntil = nil
      if !state.isUp { become(.up, at: now) }
    } else if unknownUntil == nil {
      if liveness.graceUntil == nil {
        become(.down, at: now)
      } else if state.isUp {
        become(.unknown, at: now)
      }
    }
    state.isHeard = state.condition == .down && liveness.lastHeard.map { $0 >= state.since } ?? false
  }

  /// Between two ratings.
  private static let ratingInterval = Duration.seconds(1)

  /// Rates what a call would meet now, once a second however often it is called.
  public mutating func rate(by standard: CallStandard, at now: Duration) {
    guard state.isUp, now - rated >= Self.ratingInterval else { return }
    rated = now
    // An outage that is over is no reason to leave what works again.
    let figures = meter.steadyFigures(of: Degradation.window, since: upSince, at: now)
    // Answers that all come too late are of no use to a call.
    let isUnanswered = now - max(upSince, meter.lastAnswer ?? .zero) > Degradation.window
    degradation.update(
      mos: isUnanswered ? 1 : figures.worseMOS(codec: standard.codec), minimum: standard.minimumMOS, at: now)
    become(degradation.isDegraded ? .degraded : .up, at: now)
  }

  /// What the last minute has shown.
  public func figures(at now: Duration) -> LinkFigures { meter.figures(at: now) }

  /// What all of its probes have shown.
  public var counters: ProbeCounters { meter.counters }

  private mutating func become(_ condition: PathState.Condition, at now: Duration) {
    guard state.condition != condition else { return }
    if condition.isUp != state.isUp {
      upSince = now
      // It may lead elsewhere now.
      if let largest = padded?.largest { padded?.restart(upTo: largest, at: now) }
      if !condition.isUp { (degradation, state.roundTrip) = (Degradation(), nil) }
      // Whether the line or the agent has failed, Asterisk can tell.
      asterisk?.hurry()
      nextProbe = min(nextProbe, now)
    }
    (state.condition, state.since) = (condition, now)
  }
}
