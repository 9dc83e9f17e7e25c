// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What the probes of one path have shown within a window of time.
public struct LinkFigures: Hashable, Sendable {
  /// One direction of a path.
  public struct Direction: Hashable, Sendable {
    /// Packets of this direction that were lost, of those sent, 0 to 1. Nil where the other end does not count, as
    /// reflectors without RFC 8972 do not, or where nothing was sent.
    public var lossRatio: Double?
    /// How much longer losses lasted than random ones would: BurstR of ITU-T G.107, 1 at least.
    public var burstRatio = 1.0
    /// The mean of |D(i,j)| of RFC 3550 §6.4.1, to which its estimator J converges; nil with less than two answers.
    public var jitter: Duration?

    /// A direction of which nothing is known.
    public init() {}
  }

  /// Answers that came back in time.
  public var answers = 0
  /// Times there and back, without the time that the reflector took; nil without any answer.
  public var roundTrip: (least: Duration, mean: Duration, most: Duration)? {
    get { roundTrips.map { ($0.least, $0.mean, $0.most) } }
    set { roundTrips = newValue.map { RoundTrips(least: $0.least, mean: $0.mean, most: $0.most) } }
  }
  /// Lost on the way there or back, of those sent, 0 to 1; nil where nothing was sent.
  public var roundTripLossRatio: Double?
  /// From here to the peer.
  public var transmit = Direction()
  /// From the peer to here.
  public var receive = Direction()
  /// Packets that came twice, on the way there or back.
  public var duplicates = 0
  /// Answers that a later one has overtaken.
  public var reordered = 0

  private var roundTrips: RoundTrips?

  private struct RoundTrips: Hashable {
    let least, mean, most: Duration
  }

  /// Figures of which nothing is known.
  public init() {}

  /// What Asterisk's jitter buffer for IAX2 waits beyond the jitter that it sees (`jittertargetextra`).
  static let bufferMargin = Duration.milliseconds(40)
  /// The widest part of the jitter that the buffer takes in, as a multiple of its mean: exact for delays spread evenly,
  /// and 95 % of those that fall off exponentially.
  static let bufferFactor = 3

  /// How a call of a codec sounds to the listener at the end of one of the two directions; nil while too little is
  /// known. One way is taken for half of the round trip. Packets later than the jitter buffer waits are not counted as
  /// lost.
  public func quality(of direction: Direction, codec: VoiceCodec) -> VoiceQuality? {
    guard let roundTrip, let loss = direction.lossRatio ?? roundTripLossRatio else { return nil }
    let buffer = Self.bufferMargin + (direction.jitter ?? .zero) * Self.bufferFactor
    return VoiceQuality(
      codec: codec, delay: roundTrip.mean / 2 + codec.delay + buffer, lossRatio: loss,
      burstRatio: direction.burstRatio)
  }
}
