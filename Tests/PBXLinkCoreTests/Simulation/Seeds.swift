// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation

/// The seeds to run: one that has failed (PBXLINK_SEED), or as many as asked for (PBXLINK_SEEDS).
enum Seeds {
  static let chosen: [UInt64] = {
    let environment = ProcessInfo.processInfo.environment
    if let seed = environment["PBXLINK_SEED"].flatMap({ UInt64($0) }) { return [seed] }
    return Array(0..<(environment["PBXLINK_SEEDS"].flatMap { UInt64($0) } ?? 16))
  }()
}
