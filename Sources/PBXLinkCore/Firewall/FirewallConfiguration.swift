// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The desired firewall: who may reach what through the tunnel, and who may speak IAX2 beside it.
public struct FirewallConfiguration: Hashable, Sendable {
  /// An interface that carries one peer, so that whatever comes from it is that peer's.
  public struct PeerInterface: Hashable, Sendable {
    /// The interface.
    public let name: String
    /// The peer's tunnel addresses; nothing else is accepted from the interface.
    public let addresses: [IPAddress]

    /// An interface and its peer's addresses.
    public init(name: String, addresses: [IPAddress]) {
      self.name = name
      self.addresses = addresses
    }
  }

  /// The tunnel interfaces that carry several peers and vouch for their source addresses.
  public var interfaces: [String]
  /// The tunnel interfaces that carry one peer each.
  public var peerInterfaces: [PeerInterface]
  /// The tunnel addresses of current members: they reach IAX2, exchange and probes.
  public var members: [IPAddress]
  /// The throw-away addresses of open invitations: they reach the exchange and nothing else.
  public var invited: [IPAddress]
  /// The prefixes that tunnel addresses come from; no packet with such an address passes another interface.
  public var meshNetworks: [IPPrefix]
  /// The TCP port of the exchange.
  public var exchangePort: UInt16
  /// The UDP port of the probes.
  public var probePort: UInt16
  /// The UDP port of Asterisk's IAX2.
  public var iaxPort: UInt16
  /// The UDP port of the tunnel: what arrives is counted, what leaves is marked as voice.
  public var tunnelPort: UInt16
  /// Whether IAX2 from other interfaces is dropped, except loopback and `allowedIAX`.
  public var protectIAX: Bool
  /// Sources outside the mesh that may speak IAX2.
  public var allowedIAX: [IPPrefix]
  /// The UDP ports of members' IAX2 between which this site passes packets on, as a relay; none when it is none.
  public var relayedIAX: Set<UInt16>

  /// A desired firewall.
  public init(
    interfaces: [String], peerInterfaces: [PeerInterface] = [], members: [IPAddress], invited: [IPAddress],
    meshNetworks: [IPPrefix],
    exchangePort: UInt16, probePort: UInt16, iaxPort: UInt16, tunnelPort: UInt16, protectIAX: Bool,
    allowedIAX: [IPPrefix], relayedIAX: Set<UInt16> = []
  ) {
    self.interfaces = interfaces
    self.peerInterfaces = peerInterfaces
    self.members = members
    self.invited = invited
    self.meshNetworks = meshNetworks
    self.exchangePort = exchangePort
    self.probePort = probePort
    self.iaxPort = iaxPort
    self.tunnelPort = tunnelPort
    self.protectIAX = protectIAX
    self.allowedIAX = allowedIAX
    self.relayedIAX = relayedIAX
  }
}
