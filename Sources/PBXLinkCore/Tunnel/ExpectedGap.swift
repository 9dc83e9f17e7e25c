// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a change costs a call that is up, in rising order. The figures were measured on kernel WireGuard with
/// one G.711 call (50 packets a second each way).
public enum ExpectedGap: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Nothing is lost.
  case free
  /// About so many packets of 20 ms each.
  case packets(Int)
  /// Silence for about so long.
  case outage(milliseconds: Int)
  /// Calls over it end: it is being taken away on purpose.
  case endOfLink

  /// The gap in seconds; 0 for ``endOfLink``, which is not a gap.
  public var seconds: Double {
    switch self {
    case .free, .endOfLink: 0
    case .packets(let count): Double(count) * 0.02
    case .outage(let milliseconds): Double(milliseconds) / 1000
    }
  }

  /// For `plan`.
  public var description: String {
    switch self {
    case .free: "no gap"
    case .packets(let count): "about \(count) packets"
    case .outage(let milliseconds): "about \(milliseconds) ms of silence"
    case .endOfLink: "ends the link"
    }
  }
}
