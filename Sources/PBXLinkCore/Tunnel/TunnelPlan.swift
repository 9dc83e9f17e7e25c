// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The least changes that lead from one state of a tunnel to the other, in an order that is safe to stop at:
/// guards first, then the way out through the interface, then who is behind it; removals last. Empty when
/// nothing differs; nil stands for no tunnel at all.
///
/// An endpoint that works, by a handshake at most 180 s old, is left alone even when it differs from the
/// candidate: the peer has roamed there, and overwriting it costs 15 s of silence.
public func changes(
  from observed: ObservedTunnel?, to desired: TunnelConfiguration?, at now: Timestamp
) -> [TunnelChange] {
  desired.map { TunnelPlan.changes(from: observed, to: $0, at: now) } ?? TunnelPlan.removal(of: observed)
}

enum TunnelPlan {
  /// Seconds after a handshake in which its keys, and so the endpoint it came from, are good: WireGuard's
  /// REJECT_AFTER_TIME.
  static let handshakeLifetime: Int64 = 180

  /// Most peers removed at a time. A real-time kernel waits for all its processors for each, some 35 ms, with the
  /// lock held that every change of any interface on the host needs. Others take a hundredth of that.
  static let removalLimit = 4

  static func changes(
    from observed: ObservedTunnel?, to desired: TunnelConfiguration, at now: Timestamp
  ) -> [TunnelChange] {
    var current = observed ?? ObservedTunnel(interface: desired.interface, link: .missing)
    let guards = current.guards
    var link: [TunnelChange] = []
    switch current.link {
    case .up, .down: break
    case .missing: link = [.createLink]
    case .foreign: link = [.removeLink, .createLink]
    }
    if !link.isEmpty { current = ObservedTunnel(interface: desired.interface, link: .missing) }

    let networks = Set(desired.routes)
    let addresses = Set(desired.addresses.map(InterfaceAddress.init))
    var changes = networks.subtracting(guards).sorted().map(TunnelChange.addGuard)
    changes += link
    changes += addresses.subtracting(current.addresses).sorted().map(TunnelChange.addAddress)
    if current.mtu != desired.mtu { changes.append(.setMTU(desired.mtu)) }
    if current.filtersReversePath { changes.append(.disableReversePathFilter) }
    // Never turned off: the firewall then drops everything, and others may want it.
    if desired.forwards, !current.forwards { changes.append(.enableForwarding) }
    if current.link != .up { changes.append(.setUp) }
    changes += networks.subtracting(current.routes).sorted().map(TunnelChange.addRoute)
    changes += desired.routeMTUs.filter { current.routeMTUs[$0.key] != $0.value }.sorted { $0.key < $1.key }
      .map {
        .setRouteMTU($0.key, $0.value)
      }
    if current.publicKey != desired.publicKey {
      let replacing = current.publicKey != nil && !current.peers.isEmpty
      changes.append(.setKey(desired.publicKey, replacing: replacing))
    }
    if current.listenPort != desired.listenPort { changes.append(.setListenPort(desired.listenPort)) }
    changes += peers(
      from: current.peers, to: desired.peers.flatMap { $0.entries(observed: current.peers, at: now) }, at: now
    )
    changes += current.routeMTUs.keys.filter { desired.routeMTUs[$0] == nil }.sorted().map(
      TunnelChange.removeRouteMTU)
    changes += current.routes.subtracting(networks).sorted().map(TunnelChange.removeRoute)
    changes += current.addresses.subtracting(addresses).sorted().map(TunnelChange.removeAddress)
    changes += guards.subtracting(networks).sorted().map(TunnelChange.removeGuard)
    return changes
  }

  static func removal(of observed: ObservedTunnel?) -> [TunnelChange] {
    guard let observed else { return [] }
    return (observed.link == .missing ? [] : [.removeLink])
      + observed.guards.sorted().map(TunnelChange.removeGuard)
  }

  /// Additions and changes before removals: a peer that gets a new key is added first, which moves its allowed
  /// IPs in one step, and the old key goes when nothing uses it any more.
  private static func peers(
    from observed: [PublicKey: ObservedTunnel.Peer], to desired: [TunnelPeer], at now: Timestamp
  ) -> [TunnelChange] {
    // Most often nothing differs, and nobody asks for the two tables.
    lazy var owners = Dictionary(
      observed.flatMap { key, peer in peer.allowedIPs.map { ($0, key) } }, uniquingKeysWith: { $1 })
    lazy var served = Set(desired.flatMap(\.allowedIPs))
    func others(_ peer: TunnelPeer) -> Set<PublicKey> {
      Set(peer.allowedIPs.compactMap { owners[$0] }).subtracting([peer.publicKey])
    }
    var changes: [TunnelChange] = []
    for peer in desired.sorted(by: { $0.publicKey < $1.publicKey }) {
      if let known = observed[peer.publicKey] {
        let update = update(of: peer, from: known, at: now)
        if update.endpoint != nil, update.allowedIPs == nil, known.endpoint == nil, known.lastHandshake == nil
        {
          // What WireGuard tried without an endpoint holds the next handshake up for REKEY_TIMEOUT (5 s). A peer
          // that is made anew makes one at once.
          changes += [.removePeer(peer.publicKey, replaced: true), .addPeer(peer, takingOverFrom: [])]
        } else if !update.isEmpty {
          changes.append(.updatePeer(update, takingOverFrom: others(peer)))
        }
      } else {
        changes.append(.addPeer(peer, takingOverFrom: others(peer)))
      }
    }
    let wanted = Set(desired.map(\.publicKey))
    let stale = observed.filter { !wanted.contains($0.key) }.sorted { $0.key < $1.key }
    for (key, peer) in stale.dropFirst(removalLimit) where !peer.allowedIPs.isEmpty || peer.keepalive > 0 {
      changes.append(.cutPeerOff(key))
    }
    for (key, peer) in stale.prefix(removalLimit) {
      changes.append(.removePeer(key, replaced: served.isSuperset(of: peer.allowedIPs)))
    }
    return changes
  }

  private static func update(
    of peer: TunnelPeer, from observed: ObservedTunnel.Peer, at now: Timestamp
  ) -> TunnelChange.PeerUpdate {
    var update = TunnelChange.PeerUpdate(publicKey: peer.publicKey)
    if peer.allowedIPs != observed.allowedIPs { update.allowedIPs = peer.allowedIPs }
    if peer.keepalive != observed.keepalive { update.keepalive = peer.keepalive }
    // A handshake in the future means that the clock went back, not that the endpoint stopped working.
    if peer.isSilent || !observed.hasKeys(at: now), let candidate = peer.endpoint,
      candidate != observed.endpoint
    {
      update.endpoint = candidate
    }
    return update
  }
}
