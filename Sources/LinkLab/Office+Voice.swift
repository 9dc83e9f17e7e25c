// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials

extension Office {
  /// Whether a channel that the lab's dialplan records has heard something louder than line noise.
  func hears(_ channel: Channel) -> Bool { voiceSamples(on: channel) > 0 }

  /// How many samples louder than line noise (8000 a second) a channel that the lab's dialplan records has
  /// heard. While it grows, there is voice.
  public func voiceSamples(on channel: Channel) -> Int {
    let path = "/run/office/root" + Dialplan.recording(of: channel.uniqueID)
    // Asterisk makes the file when the first voice comes.
    guard let samples = try? Data(contentsOf: URL(filePath: anchor.outside(path))) else { return 0 }
    return stride(from: samples.startIndex, to: samples.endIndex - 1, by: 2).count { index in
      abs(Int(Int16(truncatingIfNeeded: Int(samples[index]) | Int(samples[index + 1]) << 8))) > 1000
    }
  }
}
