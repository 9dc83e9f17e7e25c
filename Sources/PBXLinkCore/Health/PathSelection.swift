// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Which of the paths to one peer is in use.
///
/// A path is kept while it works well. A better one is taken again only after it has worked well without a break for a
/// while, and for longer the more often such a return has failed (flap damping).
public struct PathSelection: Hashable, Sendable {
  /// How long a better path must have worked before it is taken again.
  public static let shortestHold = Duration.seconds(30)
  /// How much sooner a relay is left: both ends do so at the same moment, and each link by a relay is one relay less
  /// for others.
  static let relayFactor = 3
  /// The most that failed returns make of it.
  public static let longestHold = Duration.seconds(600)
  /// The hold after a poor direct way was left for a relay: meanwhile nobody can tell how it is.
  static let unseenHold = Duration.seconds(900)
  /// A return has failed when the path goes down or is degraded within this time.
  public static let trial = Duration.seconds(300)

  /// The paths that may be used, the best first.
  public var preference: [TunnelPath]
  /// The path in use.
  public private(set) var inUse: TunnelPath
  /// How long a better path must work before it is taken now.
  public private(set) var hold = Self.shortestHold
  /// Whether the direct way was left for a relay because it was poor.
  public private(set) var hasLeftPoorPath = false
  private var returnedAt: Duration?

  /// `inUse` is what the routes show, so that a restart changes nothing.
  public init(_ preference: [TunnelPath], inUse: TunnelPath) {
    self.preference = preference
    self.inUse = inUse
  }

  /// Decides with what the probes show now; both on one monotonic clock. Of a path without a state nothing is
  /// known: it is neither left nor taken.
  @discardableResult
  public mutating func update(states: [TunnelPath: PathState], at now: Duration) -> TunnelPath {
    let rank = preference.firstIndex(of: inUse)
    // From a relay there is no way back to what was poor.
    if states[inUse]?.condition == .degraded, !hasLeftPoorPath,
      let other = preference.first(where: { states[$0]?.condition == .up })
    {
      leavePoorPath(for: other, at: now)
    } else if let rank, states[inUse]?.condition != .down {
      let hold = inUse == .relay ? hold / Self.relayFactor : hold
      let better = preference[..<rank].first { path in
        states[path].map { $0.condition == .up && now - $0.since >= hold } ?? false
      }
      if let better { take(better, at: now) }
    } else if let other = preference.first(where: { states[$0]?.condition == .up })
      ?? preference.first(where: { states[$0]?.isUp == true })
    {
      leave(at: now)
      take(other, at: now)
    } else if rank == nil, let first = preference.first {
      take(first, at: now)
    }
    return inUse
  }

  /// Whether the path in use is preferred to another.
  func isPreferred(to other: TunnelPath) -> Bool {
    guard let mine = preference.firstIndex(of: inUse) else { return false }
    return preference.firstIndex(of: other).map { mine < $0 } ?? true
  }

  /// Takes another path since the one in use is poor.
  mutating func leavePoorPath(for other: TunnelPath, at now: Duration) {
    leave(at: now)
    take(other, at: now)
    if other == .relay { (hold, hasLeftPoorPath) = (max(hold, Self.unseenHold), true) }
  }

  private mutating func leave(at now: Duration) {
    guard let returnedAt else { return }
    hold = now - returnedAt < Self.trial ? min(hold * 2, Self.longestHold) : Self.shortestHold
  }

  /// Takes a path.
  mutating func take(_ path: TunnelPath, at now: Duration) {
    let former = inUse
    inUse = path
    returnedAt = isPreferred(to: former) ? now : nil
    hasLeftPoorPath = false
  }
}
