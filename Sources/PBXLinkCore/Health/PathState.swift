// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What the probes of one path to a peer have shown.
public struct PathState: Hashable, Sendable {
  /// Whether packets go both ways.
  public enum Condition: String, Sendable, Codable {
    /// Too few probes so far.
    case unknown
    /// Packets go both ways.
    case up
    /// They do, but calls would sound poor.
    case degraded
    case down

    var isUp: Bool { self == .up || self == .degraded }
  }

  /// Whether packets go both ways.
  public internal(set) var condition: Condition
  /// Since when it is so, without a break, on the monotonic clock of whoever probes.
  public internal(set) var since: Duration
  /// The last probe's time there and back, without the time that the reflector took; nil unless it works.
  public internal(set) var roundTrip: Duration?

  /// Whether something has come from the agent there since the path is down: then only the way there is dead.
  public internal(set) var isHeard = false
  /// The largest IP packet, in bytes, that gets there and back; nil while it is not known, or not looked for.
  public internal(set) var mtu: Int?
  /// What Asterisk there answers, whatever the agents tell each other.
  public internal(set) var asterisk = AsteriskAnswers()

  /// What has been found at a moment.
  public init(_ condition: Condition, since: Duration, roundTrip: Duration? = nil) {
    self.condition = condition
    self.since = since
    self.roundTrip = roundTrip
  }

  /// Whether the path is known to work, however poorly.
  public var isUp: Bool { condition.isUp }
  /// Whether Asterisk there answers by it, and has since it is down.
  public var isAsteriskHeard: Bool {
    guard let last = asterisk.last, !asterisk.isSilent else { return false }
    return condition != .down || last >= since
  }
  /// Whether the agent there is silent and Asterisk is not: the path is well then.
  public var isOnlyAgentSilent: Bool { condition == .down && isAsteriskHeard }
}
