// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One step from the observed to the desired state of a tunnel interface.
public enum TunnelChange: Hashable, Sendable {
  /// What differs of a peer; nil leaves as is.
  public struct PeerUpdate: Hashable, Sendable {
    /// The peer.
    public let publicKey: PublicKey
    /// The whole new list of allowed IPs.
    public var allowedIPs: Set<IPPrefix>?
    /// A candidate endpoint to try.
    public var endpoint: ResolvedEndpoint?
    /// Seconds between persistent keepalives.
    public var keepalive: UInt16?

    var isEmpty: Bool { allowedIPs == nil && endpoint == nil && keepalive == nil }
  }

  /// Put an `unreachable` route behind a mesh network.
  case addGuard(IPPrefix)
  /// Take the `unreachable` route away.
  case removeGuard(IPPrefix)
  /// Make the interface.
  case createLink
  /// Delete the interface, and with it its addresses, routes and peers.
  case removeLink
  /// Give the interface an address.
  case addAddress(InterfaceAddress)
  /// Take an address away.
  case removeAddress(InterfaceAddress)
  /// Set the MTU in bytes.
  case setMTU(Int)
  /// Accept packets whose answer would leave by another interface.
  case disableReversePathFilter
  /// Pass on IPv4 packets that arrive by the interface for others.
  case enableForwarding
  /// Set the interface up.
  case setUp
  /// Route a mesh network through the interface.
  case addRoute(IPPrefix)
  /// Take such a route away.
  case removeRoute(IPPrefix)
  /// Send no larger packets, in bytes, to an address: the path to it carries no more than that.
  case setRouteMTU(IPPrefix, Int)
  /// Send as large ones to it as the interface takes.
  case removeRouteMTU(IPPrefix)
  /// Set the private key that belongs to this public key; `replacing` when sessions run on another one.
  case setKey(PublicKey, replacing: Bool)
  /// Set the UDP port.
  case setListenPort(UInt16)
  /// Add a peer; its allowed IPs move away from the peers named.
  case addPeer(TunnelPeer, takingOverFrom: Set<PublicKey>)
  /// Change a peer; the allowed IPs that it gains move away from the peers named.
  case updatePeer(PeerUpdate, takingOverFrom: Set<PublicKey>)
  /// Take a peer's allowed IPs and keepalive away: nothing passes any more, and it costs nobody anything. It is
  /// removed later, when its turn comes.
  case cutPeerOff(PublicKey)
  /// Remove a peer; `replaced` when other peers have all its allowed IPs.
  case removePeer(PublicKey, replaced: Bool)

  /// What the change costs a call over this tunnel.
  public var expectedGap: ExpectedGap {
    switch self {
    case .addGuard, .removeGuard, .createLink, .addAddress, .setMTU, .disableReversePathFilter,
      .enableForwarding, .setUp, .addRoute, .removeRoute, .setRouteMTU, .removeRouteMTU,
      .setListenPort:
      .free
    case .setKey(_, let replacing): replacing ? Self.rekey : .free
    case .addPeer(_, let others): others.isEmpty ? .free : Self.surprise
    case .updatePeer(_, let others): others.isEmpty ? .free : Self.rekey
    case .removePeer(_, let replaced): replaced ? .free : .endOfLink
    case .removeLink: .outage(milliseconds: 650)
    case .removeAddress, .cutPeerOff: .endOfLink
    }
  }

  /// Whether all it does is to shut a peer out.
  public var takesPeerAway: Bool {
    switch self {
    case .cutPeerOff, .removePeer: true
    default: false
    }
  }

  /// The peers whose links it may make silent for a moment.
  public var disruptedPeers: Set<PublicKey> {
    switch self {
    case .addPeer(let peer, let others): others.isEmpty ? [] : others.union([peer.publicKey])
    case .updatePeer(let update, let others): others.isEmpty ? [] : others.union([update.publicKey])
    default: []
    }
  }

  /// What is on its way between the handshake with a new key and the moment that the other end moves the
  /// addresses to it; it looks for that twenty times a second.
  private static let rekey = ExpectedGap.packets(3)
  /// A key that nobody has announced first needs a handshake.
  private static let surprise = ExpectedGap.packets(6)
}

extension TunnelChange: CustomStringConvertible {
  /// What is done, for `plan` and logs; never a private key.
  public var description: String {
    switch self {
    case .addGuard(let prefix): "add route unreachable \(prefix)"
    case .removeGuard(let prefix): "remove route unreachable \(prefix)"
    case .createLink: "create the interface"
    case .removeLink: "delete the interface"
    case .addAddress(let address): "add address \(address)"
    case .removeAddress(let address): "remove address \(address)"
    case .setMTU(let mtu): "set MTU \(mtu)"
    case .disableReversePathFilter: "turn the reverse path filter off"
    case .enableForwarding: "turn forwarding on"
    case .setUp: "set the interface up"
    case .addRoute(let prefix): "add route \(prefix)"
    case .removeRoute(let prefix): "remove route \(prefix)"
    case .setRouteMTU(let prefix, let mtu): "set MTU \(mtu) towards \(prefix)"
    case .removeRouteMTU(let prefix): "set no MTU towards \(prefix)"
    case .setKey(let key, _): "set the key whose public key is \(key.wireGuardText)"
    case .setListenPort(let port): "listen on UDP port \(port)"
    case .addPeer(let peer, let others):
      "add peer \(peer.publicKey.wireGuardText) \(Self.list(peer.allowedIPs))"
        + (peer.endpoint.map { " at \($0)" } ?? "") + Self.takingOver(others)
    case .updatePeer(let update, let others):
      "change peer \(update.publicKey.wireGuardText)"
        + (update.allowedIPs.map { " allowed IPs \(Self.list($0))" } ?? "")
        + (update.endpoint.map { " endpoint \($0)" } ?? "")
        + (update.keepalive.map { " keepalive \($0) s" } ?? "") + Self.takingOver(others)
    case .cutPeerOff(let key): "cut peer \(key.wireGuardText) off"
    case .removePeer(let key, _): "remove peer \(key.wireGuardText)"
    }
  }

  private static func list(_ prefixes: Set<IPPrefix>) -> String {
    prefixes.isEmpty ? "(none)" : prefixes.sorted().map(\.description).joined(separator: ",")
  }

  private static func takingOver(_ others: Set<PublicKey>) -> String {
    others.isEmpty ? "" : ", taking over from " + others.sorted().map(\.wireGuardText).joined(separator: ", ")
  }
}
