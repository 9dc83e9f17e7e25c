// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One path to a peer that is to be probed, from our tunnel address to its, through one interface.
public struct ProbeTarget: Hashable, Sendable {
  /// The peer.
  public let site: SiteName
  /// The path's name.
  public let path: TunnelPath
  /// The relay that they go by: what one relay carries says nothing of another.
  public var relay: SiteName?
  /// The interface that the probes leave and come back by, whatever the routes say.
  public let interface: String
  /// The peer's tunnel address.
  public let peer: IPAddress
  /// Our own tunnel address.
  public let local: IPAddress

  /// The UDP port of Asterisk's IAX2 there; nil where there is none.
  public let iaxPort: UInt16?

  /// A path to probe; nil unless both addresses are IPv4: without a route through the interface the kernel
  /// takes an IPv4 destination to be on the link, and refuses an IPv6 one.
  public init?(
    site: SiteName, path: TunnelPath, interface: String, peer: IPAddress, local: IPAddress,
    iaxPort: UInt16? = nil
  ) {
    guard peer.family == .v4, local.family == .v4 else { return nil }
    self.site = site
    self.path = path
    self.interface = interface
    self.peer = peer
    self.local = local
    self.iaxPort = iaxPort
  }
}
