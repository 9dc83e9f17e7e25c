// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What the probes of the last minute tell of a path, as status shows it.
public struct LinkQuality: Hashable, Sendable, Codable {
  /// One direction.
  public struct Direction: Hashable, Sendable, Codable {
    /// Packets lost, 0 to 1; null when the other end, of a former version, does not count.
    public let lossRatio: Double?
    /// Mean difference in the delays of two packets that follow each other, in seconds (RFC 3550 §6.4.1).
    public let jitter: Double?
    /// R of ITU-T G.107 for who listens at this direction's end; null for a codec without published constants.
    public let rFactor: Double?
    /// The MOS that follows from it, 1 to 4.5.
    public let mos: Double?

    enum CodingKeys: String, CodingKey {
      case mos
      case lossRatio = "loss_ratio"
      case jitter = "jitter_seconds"
      case rFactor = "r_factor"
    }

    /// Encodes all keys.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(lossRatio, forKey: .lossRatio)
      try container.encode(jitter, forKey: .jitter)
      try container.encode(rFactor, forKey: .rFactor)
      try container.encode(mos, forKey: .mos)
    }
  }

  /// Probes that were answered in time.
  public let answers: Int
  /// Round trips, in seconds.
  public let leastRoundTrip, meanRoundTrip, mostRoundTrip: Double
  /// Lost on the way there or back, 0 to 1.
  public let roundTripLossRatio: Double?
  /// From here to the peer, and from the peer to here.
  public let transmit, receive: Direction
  /// The codec that is rated, by Asterisk's name.
  public let codec: String?
  /// Packets that came twice, and answers that came late.
  public let duplicates, reordered: Int

  enum CodingKeys: String, CodingKey {
    case answers, transmit, receive, codec, duplicates, reordered
    case leastRoundTrip = "rtt_min_seconds"
    case meanRoundTrip = "rtt_mean_seconds"
    case mostRoundTrip = "rtt_max_seconds"
    case roundTripLossRatio = "loss_ratio"
  }

  /// Encodes all keys.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(answers, forKey: .answers)
    try container.encode(leastRoundTrip, forKey: .leastRoundTrip)
    try container.encode(meanRoundTrip, forKey: .meanRoundTrip)
    try container.encode(mostRoundTrip, forKey: .mostRoundTrip)
    try container.encode(roundTripLossRatio, forKey: .roundTripLossRatio)
    try container.encode(transmit, forKey: .transmit)
    try container.encode(receive, forKey: .receive)
    try container.encode(codec, forKey: .codec)
    try container.encode(duplicates, forKey: .duplicates)
    try container.encode(reordered, forKey: .reordered)
  }

  /// The figures of a path; nil before the first answer.
  public init?(_ figures: LinkFigures, codec: String?) {
    guard let roundTrip = figures.roundTrip else { return nil }
    func rated(_ direction: LinkFigures.Direction) -> Direction {
      let quality = codec.flatMap(VoiceCodec.named).flatMap { figures.quality(of: direction, codec: $0) }
      return Direction(
        lossRatio: direction.lossRatio?.rounded(places: 4), jitter: direction.jitter?.seconds,
        rFactor: quality?.rFactor.rounded(places: 1), mos: quality?.mos.rounded(places: 2))
    }
    answers = figures.answers
    (leastRoundTrip, meanRoundTrip) = (roundTrip.least.seconds, roundTrip.mean.seconds)
    mostRoundTrip = roundTrip.most.seconds
    roundTripLossRatio = figures.roundTripLossRatio?.rounded(places: 4)
    (transmit, receive) = (rated(figures.transmit), rated(figures.receive))
    self.codec = codec
    (duplicates, reordered) = (figures.duplicates, figures.reordered)
  }

  /// MOS below which many callers are not content (R below 70, ITU-T G.109).
  static let poorMOS = 3.6
  /// Of fewer answers one that is lost would already be too many.
  private static let leastAnswers = 20

  /// What to do about calls that would sound poor; nil when they would not.
  var advice: String? {
    let poor = [(transmit, "there"), (receive, "here")].filter { $0.0.mos.map { $0 < Self.poorMOS } ?? false }
    guard !poor.isEmpty, answers >= Self.leastAnswers else { return nil }
    let reasons = poor.map { direction, place in
      [
        "MOS \(direction.mos?.fixed(places: 1) ?? "-") \(place)",
        (direction.lossRatio ?? roundTripLossRatio).map { "\($0.percent) lost" },
        direction.jitter.map { "jitter \($0.milliseconds)" },
      ].compactMap(\.self).joined(separator: ", ")
    }
    return "Calls sound poor: \(reasons.joined(separator: "; ")); round trip \(meanRoundTrip.milliseconds). "
      + "Look at the Internet lines of both sites and at what else uses them."
  }
}

extension Duration {
  /// Seconds to the microsecond, as status shows times.
  var seconds: Double { (self / .seconds(1)).rounded(places: 6) }
}

extension Double {
  /// Rounded to so many digits behind the point.
  func rounded(places: Int) -> Double {
    let factor = (0..<places).reduce(1.0) { factor, _ in factor * 10 }
    return (self * factor).rounded() / factor
  }

  /// A text with exactly so many digits behind the point.
  func fixed(places: Int) -> String {
    let parts = rounded(places: places).description.split(separator: ".")
    guard places > 0, parts.count == 2 else { return String(parts[0]) }
    return parts[0] + "." + parts[1] + String(repeating: "0", count: max(0, places - parts[1].count))
  }

  /// A ratio such as "2.5 %".
  var percent: String { (self * 100).fixed(places: 1) + " %" }

  /// Seconds as milliseconds, such as "21 ms", below ten with a digit behind the point.
  var milliseconds: String { (self * 1000).fixed(places: self < 0.00995 ? 1 : 0) + " ms" }
}
