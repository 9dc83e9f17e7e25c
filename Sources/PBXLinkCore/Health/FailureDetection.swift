// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// How soon a path that is dead is noticed, and how many packets that costs.
public enum FailureDetection: String, Hashable, Sendable, CaseIterable {
  /// A packet a second, 5 seconds; a site that asks for it is not sent more either.
  case slow
  /// A packet each 300 ms, 1.5 seconds.
  case normal
  /// A packet each 100 ms, half a second.
  case fast

  /// What we ask for. All but `slow` take as many packets as `fast` sends, so that either end gets its wish.
  public var timing: BFDSession.Timing {
    let transmit: Duration =
      switch self {
      case .slow: .seconds(1)
      case .normal: .milliseconds(300)
      case .fast: .milliseconds(100)
      }
    return BFDSession.Timing(
      transmit: transmit, receive: self == .slow ? transmit : .milliseconds(100), multiplier: 5)
  }
}
