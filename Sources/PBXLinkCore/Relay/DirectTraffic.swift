// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Whether the direct way to peers works that are reached by a relay. It cannot be probed meanwhile: WireGuard takes
/// the peer's address from the relay only. But both ends send keepalives to each other's own key, and the count of what
/// comes from it grows when they arrive.
public struct DirectTraffic: Hashable, Sendable {
  /// Seconds between keepalives while a relay is in use.
  static let keepalive: UInt16 = 5
  /// How long the count may stand still: two keepalives may be lost.
  static let patience = Duration.seconds(13)

  private struct Count: Hashable {
    var bytes: UInt64?
    var grew: Duration?
    var state: PathState
  }

  private var counts: [SiteName: Count] = [:]

  /// Nothing is known.
  public init() {}

  /// What the counts show; both times on one monotonic clock.
  /// - Parameter received: bytes received from the own key of each peer that has valid session keys there; nil for one
  ///   without.
  public mutating func update(
    received: [SiteName: UInt64?], at now: Duration
  ) -> [SiteName: PathState] {
    counts = received.reduce(into: [:]) { next, peer in
      var count = counts[peer.key] ?? Count(state: PathState(.down, since: now))
      if let before = count.bytes, let bytes = peer.value, bytes != before { count.grew = now }
      if peer.value == nil { count.grew = nil }
      count.bytes = peer.value
      let isAlive = count.grew.map { now - $0 < Self.patience } ?? false
      if isAlive != count.state.isUp { count.state = PathState(isAlive ? .up : .down, since: now) }
      next[peer.key] = count
    }
    return counts.mapValues(\.state)
  }
}
