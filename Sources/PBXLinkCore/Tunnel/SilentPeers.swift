// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Which peers of a tunnel send nothing at all, although they are spoken to.
///
/// A path whose probes get no answer may still carry calls: the agent over there may not run. Its kernel then
/// answers our probes all the same, with an ICMP error or a keepalive. So a peer is silent only when the count of
/// bytes received from it stands still while its probes are lost. One that has never had an endpoint is silent from
/// the first moment: nothing can be sent to it.
public struct SilentPeers: Hashable, Sendable {
  /// How long the count must stand still.
  static let patience = Duration.seconds(2)

  private struct Count: Hashable {
    let bytes: UInt64
    let since: Duration
  }

  private var last: [SiteName: Count] = [:]

  /// Nothing is known.
  public init() {}

  /// The silent ones among the peers whose probes are lost.
  /// - Parameters:
  ///   - peers: these peers, each as its site talks to us.
  ///   - now: monotonic time.
  public mutating func update(_ peers: [SiteName: ObservedTunnel.Peer], at now: Duration) -> Set<SiteName> {
    last = peers.reduce(into: [:]) { counts, peer in
      let (known, bytes) = (last[peer.key], peer.value.receivedBytes)
      counts[peer.key] = known?.bytes == bytes ? known : Count(bytes: bytes, since: now)
    }
    return Set(last.filter { now - $0.value.since >= Self.patience || peers[$0.key]?.endpoint == nil }.keys)
  }
}
