// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A token bucket: what may come at once, and how fast more may follow.
struct TokenBucket: Hashable, Sendable {
  /// How much it holds, and how much flows in each minute.
  struct Rate: Hashable, Sendable {
    let burst: Int
    let perMinute: Int
  }

  private let rate: Rate
  private var level: Double
  private var filled: Timestamp

  /// A full bucket.
  init(_ rate: Rate, at now: Timestamp) {
    self.rate = rate
    level = Double(rate.burst)
    filled = now
  }

  /// What is left. A clock that is put back adds nothing.
  func level(at now: Timestamp) -> Double {
    min(Double(rate.burst), level + Double(max(0, now - filled)) * Double(rate.perMinute) / 60)
  }

  /// Takes as much, or nothing when there is less.
  mutating func take(_ count: Int, at now: Timestamp) -> Bool {
    (level, filled) = (level(at: now), now)
    guard level >= Double(count) else { return false }
    level -= Double(count)
    return true
  }
}
