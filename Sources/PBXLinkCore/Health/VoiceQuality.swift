// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import RealModule

/// What a listener would think of a call: the E-model of ITU-T G.107 with all its defaults but delay, codec and loss.
/// The MOS is an estimate of conversational quality (MOS-CQE); nobody has been asked.
public struct VoiceQuality: Hashable, Sendable {
  /// The rating factor R, 0 to 93.2; from 90 best, 80 high, 70 medium, 60 low, 50 poor (ITU-T G.109).
  public let rFactor: Double

  /// R with every parameter at its default (G.107 table 2).
  static let defaultRFactor = 93.2

  /// Rates one direction of a call.
  /// - Parameters:
  ///   - codec: its constants.
  ///   - delay: from mouth to ear, one way.
  ///   - lossRatio: of the packets that arrive too late or never, 0 to 1.
  ///   - burstRatio: how much longer losses last than random ones would (BurstR); 1 when they are random.
  public init(codec: VoiceCodec, delay: Duration, lossRatio: Double, burstRatio: Double = 1) {
    rFactor = max(
      0,
      Self.defaultRFactor - Self.delayImpairment(delay / .milliseconds(1))
        - codec.impairment(lossRatio: lossRatio, burstRatio: burstRatio))
  }

  /// Mean opinion score, 1 to 4.5 (G.107 Annex B). The cubic falls below 1 where R is below 6.5.
  public var mos: Double {
    guard rFactor > 0 else { return 1 }
    guard rFactor < 100 else { return 4.5 }
    return max(1, 1 + 0.035 * rFactor + rFactor * (rFactor - 60) * (100 - rFactor) * 7e-6)
  }

  /// Idd: what a delay costs, in milliseconds, for listeners of the default class (sT = 1, mT = 100 ms; G.107 §7.4).
  static func delayImpairment(_ milliseconds: Double) -> Double {
    guard milliseconds > 100 else { return 0 }
    let x = Double.log2(milliseconds / 100)
    func root(_ value: Double) -> Double { Double.root(1 + Double.pow(value, 6), 6) }
    return 25 * (root(x) - 3 * root(x / 3) + 2)
  }
}

/// A codec's constants for the E-model (ITU-T G.113 Appendix I). Codecs without published ones are not rated.
public struct VoiceCodec: Hashable, Sendable {
  /// Ie: what the codec costs without any loss.
  let equipmentImpairment: Double
  /// Bpl: how well it stands random loss; that of G.711 is with the concealment of losses that phones have.
  let lossRobustness: Double
  /// Of one packet of 20 ms and the codec's look-ahead.
  let delay: Duration

  static let g711 = Self(equipmentImpairment: 0, lossRobustness: 25.1, delay: .milliseconds(20))
  /// G.729A with voice activity detection.
  static let g729 = Self(equipmentImpairment: 11, lossRobustness: 19, delay: .milliseconds(25))

  /// The constants of a codec by Asterisk's name; nil where none are published.
  public static func named(_ name: String) -> Self? {
    switch name {
    case "ulaw", "alaw": g711
    case "g729": g729
    default: nil
    }
  }

  /// Ie,eff (G.107 eq. 7-29).
  func impairment(lossRatio: Double, burstRatio: Double) -> Double {
    let percent = min(max(lossRatio, 0), 1) * 100
    return equipmentImpairment
      + (95 - equipmentImpairment) * percent / (percent / max(burstRatio, 1) + lossRobustness)
  }
}
