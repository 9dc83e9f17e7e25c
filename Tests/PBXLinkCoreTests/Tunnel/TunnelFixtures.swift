// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

/// Short words for the values of tunnel tests.
protocol TunnelFixtures {}

extension TunnelFixtures {
  func key(_ number: UInt8) throws -> PublicKey {
    try #require(PublicKey(bytes: Array(repeating: number, count: 32)))
  }

  func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }

  func endpoint(_ text: String) throws -> ResolvedEndpoint {
    try #require(Endpoint(text).flatMap(ResolvedEndpoint.init))
  }

  func configuration(
    interface: String = "pbxlink0", key own: PublicKey? = nil, port: UInt16 = 51820,
    addresses: [String] = ["10.77.0.1"], mtu: Int = 1420, peers: [TunnelPeer] = [],
    routes: [String] = ["10.77.0.0/16"], routeMTUs: [String: Int] = [:]
  ) throws -> TunnelConfiguration {
    try TunnelConfiguration(
      interface: interface, privateKey: Secret(Array(repeating: 0x5a, count: 32)), publicKey: own ?? key(1),
      listenPort: port, addresses: addresses.map(prefix), mtu: mtu, peers: peers, routes: routes.map(prefix),
      routeMTUs: routeMTUs.reduce(into: [:]) { $0[try prefix($1.key)] = $1.value })
  }
}

extension ObservedTunnel {
  /// What the kernel makes of a change, as far as the tunnel is concerned.
  mutating func apply(_ change: TunnelChange) {
    switch change {
    case .addGuard(let prefix): guards.insert(prefix)
    case .removeGuard(let prefix): guards.remove(prefix)
    case .createLink: link = .down
    case .removeLink:
      let guards = guards
      self = ObservedTunnel(interface: interface, link: .missing)
      self.guards = guards
    case .addAddress(let address): addresses.insert(address)
    case .removeAddress(let address): addresses.remove(address)
    case .setMTU(let mtu): self.mtu = mtu
    case .disableReversePathFilter: filtersReversePath = false
    case .enableForwarding: forwards = true
    case .setUp: link = .up
    case .addRoute(let prefix): routes.insert(prefix)
    case .removeRoute(let prefix): routes.remove(prefix)
    case .setRouteMTU(let prefix, let mtu): routeMTUs[prefix] = mtu
    case .removeRouteMTU(let prefix): routeMTUs[prefix] = nil
    case .setKey(let key, _): publicKey = key
    case .setListenPort(let port): listenPort = port
    case .addPeer(let peer, _):
      peers[peer.publicKey] = Peer(endpoint: peer.endpoint, keepalive: peer.keepalive)
      allow(peer.allowedIPs, to: peer.publicKey)
    case .updatePeer(let update, _):
      if let endpoint = update.endpoint { peers[update.publicKey]?.endpoint = endpoint }
      if let keepalive = update.keepalive { peers[update.publicKey]?.keepalive = keepalive }
      if let allowedIPs = update.allowedIPs { allow(allowedIPs, to: update.publicKey) }
    case .cutPeerOff(let key):
      peers[key]?.allowedIPs = []
      peers[key]?.keepalive = 0
    case .removePeer(let key, _): peers[key] = nil
    }
  }

  /// An allowed IP belongs to one peer: whoever got it last.
  private mutating func allow(_ prefixes: Set<IPPrefix>, to key: PublicKey) {
    for other in peers.keys { peers[other]?.allowedIPs.subtract(prefixes) }
    peers[key]?.allowedIPs = prefixes
  }

  func applying(_ changes: [TunnelChange]) -> ObservedTunnel {
    var result = self
    for change in changes { result.apply(change) }
    return result
  }
}
