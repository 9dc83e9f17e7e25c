// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a path must offer to calls.
public struct CallStandard: Hashable, Sendable {
  /// The codec by which it is rated.
  public let codec: VoiceCodec
  /// The MOS below which calls should go another way.
  public let minimumMOS: Double

  /// A standard for calls of a codec. One without published constants is rated as G.711.
  public init(codec: String?, minimumMOS: Double) {
    self.codec = codec.flatMap(VoiceCodec.named) ?? .g711
    self.minimumMOS = minimumMOS
  }
}

/// Whether a path that works is too poor for calls. To enter and to leave take different marks and times, so that a
/// line on the edge does not go to and fro.
public struct Degradation: Hashable, Sendable {
  /// The time that is rated.
  static let window = Duration.seconds(20)
  /// Answers in that time without which nothing is rated.
  static let leastAnswers = 5
  /// How long it must sound poor.
  static let entry = Duration.seconds(5)
  /// How long it must sound well again, and by how much of MOS better than the limit.
  static let recovery = (time: Duration.seconds(60), margin: 0.2)

  /// Whether it is.
  public private(set) var isDegraded = false
  /// Since when the ratings say the opposite.
  private var contradictedSince: Duration?

  /// Not degraded.
  public init() {}

  /// Takes a rating in: the MOS of the worse direction; nil while too little is known, which changes nothing.
  public mutating func update(mos: Double?, minimum: Double, at now: Duration) {
    guard let mos else { return }
    // No line is better than a good one, whatever the limit asks for.
    let enough = max(minimum, min(minimum + Self.recovery.margin, Self.goodMOS))
    guard isDegraded ? mos >= enough : mos < minimum else { return contradictedSince = nil }
    let since = contradictedSince ?? now
    contradictedSince = since
    guard now - since >= (isDegraded ? Self.recovery.time : Self.entry) else { return }
    isDegraded.toggle()
    contradictedSince = nil
  }

  /// What callers are very content with (R of 90, ITU-T G.109).
  private static let goodMOS = 4.3
}

extension LinkFigures {
  /// The MOS of the worse direction; nil while too little is known.
  func worseMOS(codec: VoiceCodec) -> Double? {
    guard answers >= Degradation.leastAnswers else { return nil }
    return [transmit, receive].compactMap { quality(of: $0, codec: codec)?.mos }.min()
  }
}
