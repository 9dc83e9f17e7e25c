// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The desired state of one WireGuard interface, whichever backend carries it.
public struct TunnelConfiguration: Hashable, Sendable {
  /// The interface name, which starts with "pbxlink".
  public let interface: String
  /// Our X25519 private key, 32 bytes.
  public let privateKey: Secret
  /// The public key that belongs to ``privateKey``.
  public let publicKey: PublicKey
  /// The UDP port that the tunnel listens on.
  public let listenPort: UInt16
  /// Our own tunnel addresses, each a host prefix.
  public let addresses: [IPPrefix]
  /// The interface MTU in bytes.
  public let mtu: Int
  /// The peers.
  public let peers: [TunnelPeer]
  /// The networks of the mesh. Each gets a route through the interface and behind it an `unreachable` route
  /// of higher metric (the guard), so that nothing leaves on the underlay while the interface is away.
  public let routes: [IPPrefix]
  /// The addresses of peers whose paths carry less than the interface, and the bytes that they carry.
  public let routeMTUs: [IPPrefix: Int]
  /// Whether packets from one peer are passed on to another; the firewall says which.
  public let forwards: Bool

  /// The MTU range: IPv6 needs 1280 (RFC 8200 §5), and a TUN device carries no more than 65535.
  public static let mtuRange = 1280...65535

  /// A configuration that a backend can apply as it stands.
  ///
  /// The kernel accepts most of what is refused here and then does something else: it ignores a peer with the
  /// device's own key and silently moves a shared allowed IP to the peer that comes last.
  public init(
    interface: String, privateKey: Secret, publicKey: PublicKey, listenPort: UInt16, addresses: [IPPrefix],
    mtu: Int, peers: [TunnelPeer], routes: [IPPrefix], routeMTUs: [IPPrefix: Int] = [:],
    forwards: Bool = false
  ) throws(TunnelConfigurationError) {
    guard Self.isInterfaceName(interface) else { throw .interfaceName(interface) }
    guard privateKey.exposedBytes.count == 32 else { throw .privateKeyLength(privateKey.exposedBytes.count) }
    guard Self.mtuRange.contains(mtu) else { throw .mtu(mtu) }
    if let network = addresses.first(where: { $0.hostBits > 0 }) { throw .notAHostAddress(network) }
    var owners: [IPPrefix: PublicKey] = [:]
    var keys: Set<PublicKey> = []
    for peer in peers {
      for key in [peer.publicKey, peer.nextKey].compactMap(\.self) {
        guard key != publicKey else { throw .ownKeyAsPeer(publicKey) }
        guard keys.insert(key).inserted else { throw .duplicatePeer(key) }
      }
      for prefix in peer.allowedIPs.sorted() {
        if let other = owners.updateValue(peer.publicKey, forKey: prefix) {
          throw .sharedAllowedIP(prefix, other, peer.publicKey)
        }
      }
    }
    self.interface = interface
    self.privateKey = privateKey
    self.publicKey = publicKey
    self.listenPort = listenPort
    self.addresses = addresses
    self.mtu = mtu
    self.peers = peers
    self.routes = routes
    self.routeMTUs = routeMTUs
    self.forwards = forwards
  }

  /// Whether the name is one of ours: "pbxlink" and at most 15 of a-z, 0-9 and hyphen (IFNAMSIZ less the NUL).
  public static func isInterfaceName(_ name: String) -> Bool {
    name.hasPrefix("pbxlink") && name.utf8.count <= 15
      && name.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
  }
}
