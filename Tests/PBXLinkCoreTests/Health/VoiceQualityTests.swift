// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

/// Expected values are those of the full narrowband E-model with its defaults, or printed in G.107 Annex B.
@Suite("Voice quality")
struct VoiceQualityTests {
  private struct Row: Sendable {
    let codec: VoiceCodec
    let percent: Double
    let delay: Int
    let rFactor: Double
    let mos: Double

    init(_ codec: VoiceCodec, _ percent: Double, _ delay: Int, _ rFactor: Double, _ mos: Double) {
      (self.codec, self.percent, self.delay, self.rFactor, self.mos) = (codec, percent, delay, rFactor, mos)
    }
  }

  private static let withoutConcealment = VoiceCodec(
    equipmentImpairment: 0, lossRobustness: 4.3, delay: .zero)

  @Test(
    "R and MOS are those of ITU-T G.107",
    arguments: [
      Row(.g711, 0, 0, 93.200, 4.409), Row(.g711, 0, 100, 93.200, 4.409), Row(.g711, 0, 150, 93.036, 4.406),
      Row(.g711, 0, 200, 90.156, 4.343), Row(.g711, 0, 300, 78.439, 3.964), Row(.g711, 0, 400, 69.130, 3.556),
      Row(.g711, 1, 50, 89.560, 4.328), Row(.g711, 2, 50, 86.189, 4.235), Row(.g711, 5, 50, 77.419, 3.923),
      Row(.g711, 10, 50, 66.134, 3.411), Row(withoutConcealment, 1, 50, 75.275, 3.834),
      Row(withoutConcealment, 5, 50, 42.125, 2.169), Row(.g729, 0, 50, 82.200, 4.104),
      Row(.g729, 1, 50, 78.000, 3.946), Row(.g729, 2, 50, 74.200, 3.787), Row(.g729, 5, 50, 64.700, 3.340),
      Row(.g729, 2, 200, 71.156, 3.651),
    ])
  private func table(row: Row) {
    let quality = VoiceQuality(
      codec: row.codec, delay: .milliseconds(row.delay), lossRatio: row.percent / 100)
    #expect(abs(quality.rFactor - row.rFactor) < 0.01, "\(quality.rFactor)")
    #expect(abs(quality.mos - row.mos) < 0.005, "\(quality.mos)")
  }

  @Test(
    "the opinion that belongs to an R is that of Annex B",
    arguments: [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
  func annexB(rFactor: Double, mos: Double) {
    // A codec that costs the rest, without loss or delay.
    let codec = VoiceCodec(equipmentImpairment: 93.2 - rFactor, lossRobustness: 1, delay: .zero)
    #expect(abs(VoiceQuality(codec: codec, delay: .zero, lossRatio: 0).mos - mos) < 0.01)
  }

  @Test("it never falls below 1, never rises with loss, delay or bursts, and is finite")
  func bounds() {
    var last = 5.0
    for percent in 0...100 {
      let quality = VoiceQuality(
        codec: .g729, delay: .milliseconds(20 * percent), lossRatio: Double(percent) / 100)
      #expect(quality.mos >= 1 && quality.mos <= last && quality.rFactor.isFinite)
      last = quality.mos
      let bursts = VoiceQuality(
        codec: .g729, delay: .milliseconds(20 * percent), lossRatio: Double(percent) / 100, burstRatio: 3)
      #expect(bursts.rFactor <= quality.rFactor)
    }
  }

  @Test("codecs without published constants are not rated", arguments: ["g722", "opus", "gsm", "ilbc", ""])
  func unknown(name: String) { #expect(VoiceCodec.named(name) == nil) }
}
