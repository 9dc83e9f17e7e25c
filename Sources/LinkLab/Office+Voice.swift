// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials

extension Office {
  /// Whether a channel that the lab's dialplan records has heard something louder than line noise.
  func hears(_ channel: Channel) -> Bool { voice(on: channel).loud > 0 }

  /// The samples (8000 a second) that a channel that the lab's dialplan records has heard: all of them, and
  /// those louder than line noise. While these grow, there is voice.
  public func voice(on channel: Channel) -> (loud: Int, all: Int) {
    let path = "/run/office/root" + Dialplan.recording(of: channel.uniqueID)
    // Asterisk makes the file when the first voice comes.
    guard let samples = try? Data(contentsOf: URL(filePath: anchor.outside(path))) else { return (0, 0) }
    let loud = stride(from: samples.startIndex, to: samples.endIndex - 1, by: 2).count { index in
      abs(Int(Int16(truncatingIfNeeded: Int(samples[index]) | Int(samples[index + 1]) << 8))) > 1000
    }
    return (loud, samples.count / 2)
  }
}
