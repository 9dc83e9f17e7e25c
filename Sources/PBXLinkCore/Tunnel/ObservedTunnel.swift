// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The state of one WireGuard interface as the kernel or wireguard-go reports it.
public struct ObservedTunnel: Hashable, Sendable {
  /// What stands under the interface name.
  public enum Link: Hashable, Sendable {
    /// Nothing; only guard routes are left of the tunnel.
    case missing
    /// A link that this backend cannot drive, with its kind: another backend's, or one whose process is dead.
    case foreign(kind: String)
    /// Our link, administratively down.
    case down
    /// Our link, up.
    case up
  }

  /// One peer.
  public struct Peer: Hashable, Sendable {
    /// Its allowed IPs.
    public var allowedIPs: Set<IPPrefix>
    /// Where packets to it go now: set by us, or learned from where it last sent an authentic packet.
    public var endpoint: ResolvedEndpoint?
    /// Seconds between persistent keepalives; 0 for none.
    public var keepalive: UInt16
    /// The last completed handshake.
    public var lastHandshake: Timestamp?
    /// The nanoseconds of that handshake after its second, by which two in one second differ.
    public var handshakeNanoseconds: Int64
    /// Whether that handshake was made with a key that is ours no more. The device does not tell.
    public var hasFormerKey = false
    /// Bytes received from it, tunnel overhead included.
    public var receivedBytes: UInt64
    /// Bytes sent to it, tunnel overhead included.
    public var sentBytes: UInt64

    /// A peer.
    public init(
      allowedIPs: Set<IPPrefix> = [], endpoint: ResolvedEndpoint? = nil, keepalive: UInt16 = 0,
      lastHandshake: Timestamp? = nil, handshakeNanoseconds: Int64 = 0, receivedBytes: UInt64 = 0,
      sentBytes: UInt64 = 0
    ) {
      self.allowedIPs = allowedIPs
      self.endpoint = endpoint
      self.keepalive = keepalive
      self.lastHandshake = lastHandshake
      self.handshakeNanoseconds = handshakeNanoseconds
      self.receivedBytes = receivedBytes
      self.sentBytes = sentBytes
    }
  }

  /// The interface name.
  public var interface: String
  /// What stands under the name.
  public var link: Link
  /// The interface MTU in bytes.
  public var mtu = 0
  /// Whether the kernel drops packets by where their answer would leave (rp_filter): a peer whose other path is in
  /// use would not be heard.
  public var filtersReversePath = false
  /// Whether the kernel passes on IPv4 packets that arrive by the interface for others.
  public var forwards = false
  /// The addresses of the interface, without those of link scope, which the kernel makes itself.
  public var addresses: Set<InterfaceAddress> = []
  /// The UDP port; 0 before one is set.
  public var listenPort: UInt16 = 0
  /// The device's public key; nil before a key is set.
  public var publicKey: PublicKey?
  /// The peers by public key.
  public var peers: [PublicKey: Peer] = [:]
  /// Our routes through the interface.
  public var routes: Set<IPPrefix> = []
  /// Our routes with an MTU of their own, in bytes.
  public var routeMTUs: [IPPrefix: Int] = [:]
  /// Our `unreachable` routes. The kernel ties them to no interface.
  public var guards: Set<IPPrefix> = []

  /// A tunnel of which nothing more is known.
  public init(interface: String, link: Link) {
    self.interface = interface
    self.link = link
  }
}
