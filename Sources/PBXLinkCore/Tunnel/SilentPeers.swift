// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Which peers of a tunnel send nothing at all, although they are spoken to.
///
/// A path whose probes get no answer may still carry calls: the agent over there may not run. Its kernel then
/// answers our probes all the same, with an ICMP error or a keepalive. So a peer is silent only when the count of
/// bytes received from it stands still while its probes are lost.
public struct SilentPeers: Hashable, Sendable {
  /// How long the count must stand still.
  static let patience = Duration.seconds(2)

  private struct Count: Hashable {
    let bytes: UInt64
    let since: Duration
  }

  private var last: [PublicKey: Count] = [:]

  /// Nothing is known.
  public init() {}

  /// The silent ones among the peers whose probes are lost.
  /// - Parameters:
  ///   - received: bytes received from each of these peers.
  ///   - now: monotonic time.
  public mutating func update(received: [PublicKey: UInt64], at now: Duration) -> Set<PublicKey> {
    last = received.reduce(into: [:]) { counts, peer in
      let known = last[peer.key]
      counts[peer.key] = known?.bytes == peer.value ? known : Count(bytes: peer.value, since: now)
    }
    return Set(last.filter { now - $0.value.since >= Self.patience }.keys)
  }
}
