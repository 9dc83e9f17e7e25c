// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

/// What to set on a WireGuard device, whatever the transport. Nil leaves as is.
struct WireGuardSettings: Hashable {
  struct Peer: Hashable {
    let publicKey: PublicKey
    /// Nothing else counts when this is set.
    var remove = false
    /// Change the peer only if it exists.
    var updateOnly = false
    /// Replaces the whole list.
    var allowedIPs: Set<IPPrefix>?
    var endpoint: ResolvedEndpoint?
    var keepalive: UInt16?
  }

  var privateKey: Secret?
  var listenPort: UInt16?
  var peers: [Peer] = []

  var isEmpty: Bool { privateKey == nil && listenPort == nil && peers.isEmpty }

  /// Takes a change up; false when it is not one of WireGuard's.
  mutating func add(_ change: TunnelChange, privateKey key: Secret) -> Bool {
    switch change {
    case .setKey: privateKey = key
    case .setListenPort(let port): listenPort = port
    case .addPeer(let peer, _):
      peers.append(
        Peer(
          publicKey: peer.publicKey, allowedIPs: peer.allowedIPs, endpoint: peer.endpoint,
          keepalive: peer.keepalive))
    case .updatePeer(let update, _):
      peers.append(
        Peer(
          publicKey: update.publicKey, updateOnly: true, allowedIPs: update.allowedIPs,
          endpoint: update.endpoint, keepalive: update.keepalive))
    case .cutPeerOff(let key):
      peers.append(Peer(publicKey: key, updateOnly: true, allowedIPs: [], keepalive: 0))
    case .removePeer(let key, _): peers.append(Peer(publicKey: key, remove: true))
    default: return false
    }
    return true
  }
}

/// What a WireGuard device reports.
struct WireGuardState: Hashable {
  var publicKey: PublicKey?
  var listenPort: UInt16 = 0
  var peers: [PublicKey: ObservedTunnel.Peer] = [:]
}
