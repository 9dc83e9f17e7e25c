// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import LinkLab
import PBXLinkCore
import Testing

/// How long the two ends of a call heard nothing, by the tone that each plays to the other.
struct VoiceMeter {
  private let ears: [(office: Office, channel: Channel, heard: Int, rate: Double)]
  private let start = ContinuousClock.now

  /// Begins at a moment when all that was heard so far was the tone, which tells how much of it is loud.
  init(_ call: ActiveCall, at far: Office) async throws {
    let callee = try #require(try await far.channels().first { $0.technology == "IAX2" })
    ears = [(call.office, call.phone), (far, callee)].map { office, channel in
      let voice = office.voice(on: channel)
      return (office, channel, voice.loud, 8000 * Double(voice.loud) / Double(voice.all))
    }
  }

  /// Seconds since then in which nothing was heard, at each end.
  func silence() -> String {
    let elapsed = (ContinuousClock.now - start).inSeconds
    return ears.map { ear in
      let heard = Double(ear.office.voice(on: ear.channel).loud - ear.heard) / ear.rate
      return "\(ear.office.name) \(tenths(max(0, elapsed - heard)))"
    }.joined(separator: ", ")
  }
}
