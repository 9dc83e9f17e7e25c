// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One end of a BFD session in asynchronous mode (RFC 5880 §6), without authentication, the Echo function and Demand
/// mode. Whoever runs it sends ``packet`` at each ``transmitInterval`` and calls ``expire(at:)`` at the ``deadline``.
public struct BFDSession: Hashable, Sendable {
  /// What one end asks for.
  public struct Timing: Hashable, Sendable {
    /// How often it sends while the session is up, in whole microseconds.
    public var transmit: Duration
    /// The most often that it receives.
    public var receive: Duration
    /// So many packets in a row may be lost, 1 to 255.
    public var multiplier: UInt8

    /// What one end asks for.
    public init(transmit: Duration, receive: Duration, multiplier: UInt8) {
      self.transmit = transmit
      self.receive = receive
      self.multiplier = multiplier
    }
  }

  /// Until the session is up, packets are no closer than this (§6.8.3).
  public static let slowInterval = Duration.seconds(1)

  /// Our state.
  public private(set) var state = BFDPacket.State.down
  /// Why it changed last.
  public private(set) var diagnostic = BFDPacket.Diagnostic.none
  /// When nothing will have come for too long; nil while nothing is known of the other end.
  public private(set) var deadline: Duration?
  /// The other end's last packet; nil once nothing has come for a detection time.
  public private(set) var remote: BFDPacket?
  /// How often answers come from an end that also answers each of our packets at once, with its own fields: their absence
  /// tells as much as that of an echo (§6.8.5 has Echo packets judged by our own interval, too).
  private var answerInterval: Duration?
  private let discriminator: UInt32
  private var timing: Timing
  /// What counts until the other end knows of the new timing (§6.8.3).
  private var timingInForce: Timing
  private var isPolling = false

  /// A session that is down. `discriminator` is ours alone on this host, and not 0.
  public init(_ timing: Timing, discriminator: UInt32) {
    self.timing = timing
    timingInForce = timing
    self.discriminator = discriminator
  }

  /// What is sent next.
  public var packet: BFDPacket {
    var packet = BFDPacket(
      state: state, detectMultiplier: timing.multiplier, myDiscriminator: discriminator,
      yourDiscriminator: remote?.myDiscriminator ?? 0, desiredMinTransmit: paced(timing.transmit),
      requiredMinReceive: timing.receive)
    packet.diagnostic = diagnostic
    packet.isPoll = isPolling
    return packet
  }

  /// What answers a packet at once: its poll if it had one.
  public func answer(to received: BFDPacket) -> BFDPacket {
    var answer = packet
    answer.isFinal = received.isPoll
    answer.isPoll = isPolling && !received.isPoll
    return answer
  }

  /// Between two packets, before each is made up to a quarter shorter by chance (§6.8.7); nil while the other end wants
  /// none.
  public var transmitInterval: Duration? {
    guard let remote else { return paced(timingInForce.transmit) }
    return remote.requiredMinReceive == .zero
      ? nil : max(paced(timingInForce.transmit), remote.requiredMinReceive)
  }

  /// An interval made up to a quarter shorter, so that packets of many do not come together (§6.8.7).
  /// - Parameter jitter: by chance from 0 to 1.
  static func shortened(_ interval: Duration, by jitter: Double) -> Duration {
    interval * (1 - min(max(jitter, 0), 1) / 4)
  }

  /// How long nothing may come (§6.8.4); nil while nothing is known of the other end.
  public var detectionTime: Duration? {
    remote.map { remote in
      let time = max(timingInForce.receive, remote.desiredMinTransmit) * Int(remote.detectMultiplier)
      guard let answerInterval, let transmitInterval else { return time }
      return min(time, max(answerInterval, transmitInterval) * Int(timing.multiplier))
    }
  }

  /// Takes a packet in; false when it is not of this session (§6.8.6).
  /// - Parameter answerInterval: the interval of our own packets, one of which this one answers.
  @discardableResult
  public mutating func receive(
    _ packet: BFDPacket, answeringEach answerInterval: Duration? = nil, at now: Duration
  ) -> Bool {
    guard packet.yourDiscriminator == 0 || packet.yourDiscriminator == discriminator else { return false }
    remote = packet
    if isPolling, packet.isFinal {
      isPolling = false
      timingInForce = timing
    }
    switch (state, packet.state) {
    case (.adminDown, _), (.down, .adminDown), (.down, .up), (.initializing, .down): break
    case (_, .adminDown), (.up, .down): become(.down, .neighborSignaledDown)
    case (.down, .down): become(.initializing, diagnostic)
    case (.down, .initializing), (.initializing, .initializing), (.initializing, .up): become(.up, .none)
    case (.up, .initializing), (.up, .up): break
    }
    self.answerInterval = answerInterval ?? self.answerInterval
    deadline = detectionTime.map { now + $0 }
    return true
  }

  /// Time has passed. What we do late ourselves is no fault of the path: by so much longer is waited, and who has slept
  /// through a packet's time listens anew.
  public mutating func pass(to now: Duration, late: Duration) {
    if let deadline, late > .zero {
      self.deadline = max(
        deadline, late >= timing.transmit ? now + (detectionTime ?? .zero) : deadline + late)
    }
    expire(at: now)
  }

  /// Nothing has come for too long, if it is so late.
  mutating func expire(at now: Duration) {
    guard let deadline, now >= deadline else { return }
    self.deadline = nil
    remote = nil
    if state == .up || state == .initializing { become(.down, .detectionTimeExpired) }
  }

  /// Asks for something else. While the session is up the other end is polled first, so that neither waits for what the
  /// other no longer does (§6.8.3).
  public mutating func set(_ timing: Timing) {
    guard timing != self.timing else { return }
    self.timing = timing
    guard state == .up else { return timingInForce = timing }
    isPolling = true
    timingInForce.transmit = min(timingInForce.transmit, timing.transmit)
    timingInForce.receive = max(timingInForce.receive, timing.receive)
  }

  /// Holds the session down, and tells the other end so with the next packet (§6.8.16).
  public mutating func shutDown() { become(.adminDown, .administrativelyDown) }

  private mutating func become(_ new: BFDPacket.State, _ diagnostic: BFDPacket.Diagnostic) {
    // Once up we send more often, which the other end has to know.
    isPolling = new == .up && timing.transmit < Self.slowInterval
    timingInForce = timing
    answerInterval = nil
    state = new
    self.diagnostic = diagnostic
  }

  private func paced(_ interval: Duration) -> Duration {
    state == .up ? interval : max(interval, Self.slowInterval)
  }
}
