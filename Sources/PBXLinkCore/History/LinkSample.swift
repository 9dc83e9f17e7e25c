// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What the probes of one link have shown within a minute or an hour, on the path that was in use at its end.
public struct LinkSample: Hashable, Sendable {
  /// When it began.
  public let time: Timestamp
  /// How long it lasted, in seconds: 60 or 3600.
  public let length: Int64
  /// The path in use.
  public let path: TunnelPath
  /// Mean and longest round trip, in seconds.
  public let roundTrip, longestRoundTrip: Double
  /// Packets lost from here and to here, 0 to 1; nil where the other end does not count.
  public let lossTransmit, lossReceive: Double?
  /// Mean jitter of the worse direction, in seconds.
  public let jitter: Double?
  /// The MOS of the worse direction, in the worst minute; nil for a codec without published constants.
  public let mos: Double?

  /// A sample as it was stored.
  public init(
    time: Timestamp, length: Int64, path: TunnelPath, roundTrip: Double, longestRoundTrip: Double,
    lossTransmit: Double?, lossReceive: Double?, jitter: Double?, mos: Double?
  ) {
    (self.time, self.length, self.path) = (time, length, path)
    (self.roundTrip, self.longestRoundTrip) = (roundTrip, longestRoundTrip)
    (self.lossTransmit, self.lossReceive) = (lossTransmit, lossReceive)
    (self.jitter, self.mos) = (jitter, mos)
  }

  /// The minute that ends now; nil when nothing was answered in it.
  public init?(_ quality: LinkQuality, path: TunnelPath, endingAt now: Timestamp) {
    guard quality.answers > 0 else { return nil }
    self.init(
      time: now + -Self.minute, length: Self.minute, path: path, roundTrip: quality.meanRoundTrip,
      longestRoundTrip: quality.mostRoundTrip, lossTransmit: quality.transmit.lossRatio,
      lossReceive: quality.receive.lossRatio,
      jitter: [quality.transmit.jitter, quality.receive.jitter].compactMap(\.self).max(),
      mos: [quality.transmit.mos, quality.receive.mos].compactMap(\.self).min())
  }

  /// Seconds of a short sample.
  public static let minute: Int64 = 60
  /// Seconds of a long one.
  public static let hour: Int64 = 3600

  /// The hour that a moment lies in.
  public static func hour(of moment: Timestamp) -> Timestamp {
    let rest = moment.seconds % hour
    return moment + -(rest < 0 ? rest + hour : rest)
  }

  /// One sample of several within an hour; nil of none. Means count each minute alike.
  public static func merged(_ samples: [Self], into hour: Timestamp) -> Self? {
    guard let last = samples.last else { return nil }
    func mean(_ values: [Double?]) -> Double? {
      let known = values.compactMap(\.self)
      return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
    }
    return Self(
      time: hour, length: Self.hour, path: last.path,
      roundTrip: mean(samples.map(\.roundTrip))?.rounded(places: 6) ?? 0,
      longestRoundTrip: samples.map(\.longestRoundTrip).max() ?? 0,
      lossTransmit: mean(samples.map(\.lossTransmit))?.rounded(places: 5),
      lossReceive: mean(samples.map(\.lossReceive))?.rounded(places: 5),
      jitter: mean(samples.map(\.jitter))?.rounded(places: 6), mos: samples.compactMap(\.mos).min())
  }
}

extension LinkSample: Codable {
  enum CodingKeys: String, CodingKey {
    case time, path, mos
    case length = "length_seconds"
    case roundTrip = "rtt_mean_seconds"
    case longestRoundTrip = "rtt_max_seconds"
    case lossTransmit = "loss_transmit_ratio"
    case lossReceive = "loss_receive_ratio"
    case jitter = "jitter_seconds"
  }

  /// Decodes what ``encode(to:)`` has written.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      time: try container.decode(RFC3339.self, forKey: .time).moment,
      length: try container.decode(Int64.self, forKey: .length),
      path: try container.decode(TunnelPath.self, forKey: .path),
      roundTrip: try container.decode(Double.self, forKey: .roundTrip),
      longestRoundTrip: try container.decode(Double.self, forKey: .longestRoundTrip),
      lossTransmit: try container.decodeIfPresent(Double.self, forKey: .lossTransmit),
      lossReceive: try container.decodeIfPresent(Double.self, forKey: .lossReceive),
      jitter: try container.decodeIfPresent(Double.self, forKey: .jitter),
      mos: try container.decodeIfPresent(Double.self, forKey: .mos))
  }

  /// Encodes all keys: what is not known is null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(RFC3339(time), forKey: .time)
    try container.encode(length, forKey: .length)
    try container.encode(path, forKey: .path)
    try container.encode(roundTrip, forKey: .roundTrip)
    try container.encode(longestRoundTrip, forKey: .longestRoundTrip)
    try container.encode(lossTransmit, forKey: .lossTransmit)
    try container.encode(lossReceive, forKey: .lossReceive)
    try container.encode(jitter, forKey: .jitter)
    try container.encode(mos, forKey: .mos)
  }
}
