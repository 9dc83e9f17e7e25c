// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension ObservedTunnel.Peer {
  /// Whether the last handshake is young enough for its keys to be valid. It does not prove that the path
  /// works now.
  public func hasKeys(at now: Timestamp) -> Bool {
    lastHandshake.map { now - $0 <= TunnelPlan.handshakeLifetime } ?? false
  }

  /// Whether packets to it leave by the keys of that handshake: it has its addresses, and our key is still the one
  /// that made the handshake.
  public func takesPackets(at now: Timestamp) -> Bool {
    hasKeys(at: now) && !allowedIPs.isEmpty && !hasFormerKey
  }
}

extension ObservedTunnel {
  /// Marks the peers that have made no handshake since our key was changed.
  /// - Parameter before: the peers as they were then.
  public mutating func markFormerKey(since before: [PublicKey: Peer]) {
    for (key, former) in before {
      guard let peer = peers[key], peer.lastHandshake != nil, peer.lastHandshake == former.lastHandshake,
        peer.handshakeNanoseconds == former.handshakeNanoseconds
      else { continue }
      peers[key]?.hasFormerKey = true
    }
  }
}
