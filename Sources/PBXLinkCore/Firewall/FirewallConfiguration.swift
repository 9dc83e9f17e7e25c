// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The desired firewall: who may reach what through the tunnel, and who may speak IAX2 beside it.
public struct FirewallConfiguration: Hashable, Sendable {
  /// The tunnel interfaces.
  public var interfaces: [String]
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
  /// The UDP port of the tunnel, counted only.
  public var tunnelPort: UInt16
  /// Whether IAX2 from other interfaces is dropped, except loopback and `allowedIAX`.
  public var protectIAX: Bool
  /// Sources outside the mesh that may speak IAX2.
  public var allowedIAX: [IPPrefix]

  /// A desired firewall.
  public init(
    interfaces: [String], members: [IPAddress], invited: [IPAddress], meshNetworks: [IPPrefix],
    exchangePort: UInt16, probePort: UInt16, iaxPort: UInt16, tunnelPort: UInt16, protectIAX: Bool,
    allowedIAX: [IPPrefix]
  ) {
    self.interfaces = interfaces
    self.members = members
    self.invited = invited
    self.meshNetworks = meshNetworks
    self.exchangePort = exchangePort
    self.probePort = probePort
    self.iaxPort = iaxPort
    self.tunnelPort = tunnelPort
    self.protectIAX = protectIAX
    self.allowedIAX = allowedIAX
  }
}
