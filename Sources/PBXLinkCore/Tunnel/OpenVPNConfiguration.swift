// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The desired state of all OpenVPN links of a site.
public struct OpenVPNConfiguration: Hashable, Sendable {
  /// Our own tunnel addresses, each a host prefix; every interface gets them.
  public let addresses: [IPPrefix]
  /// The MTU of the interfaces in bytes.
  public let mtu: Int
  /// The Ed25519 seed (RFC 8032 §5.1.5) behind our certificate, 32 bytes.
  public let key: Secret
  /// The links, by interface.
  public let links: [OpenVPNLink]
  /// The public port that the listening links share; nil when they are reached in another way.
  public let sharedPort: ResolvedEndpoint?
  /// Where listening links accept connections.
  public let listenAddress: IPAddress

  /// The length of a link's control key in bytes: a static key of OpenVPN.
  public static let controlKeyLength = 256

  /// A configuration that can be applied as it stands.
  public init(
    addresses: [IPPrefix], mtu: Int, key: Secret, links: [OpenVPNLink], sharedPort: ResolvedEndpoint?,
    listenAddress: IPAddress = IPAddress(family: .v4, value: 0x7f00_0001)
  ) throws(OpenVPNConfigurationError) {
    guard TunnelConfiguration.mtuRange.contains(mtu) else { throw .mtu(mtu) }
    if let network = addresses.first(where: { $0.hostBits > 0 }) { throw .notAHostAddress(network) }
    guard key.exposedBytes.count == 32 else { throw .keyLength(key.exposedBytes.count) }
    var interfaces: [String: SiteName] = [:]
    var ports: [UInt16: SiteName] = [:]
    var owners: [IPAddress: SiteName] = [:]
    let own = Set(addresses.map(\.address))
    for link in links {
      guard OpenVPNLink.isInterfaceName(link.interface) else { throw .interfaceName(link.interface) }
      if let other = interfaces.updateValue(link.site, forKey: link.interface) {
        throw .sharedInterface(link.interface, other, link.site)
      }
      guard link.controlKey.exposedBytes.count == Self.controlKeyLength else {
        throw .controlKeyLength(link.site, link.controlKey.exposedBytes.count)
      }
      switch link.role {
      case .listen(let port):
        guard port > 0 else { throw .portMissing(link.site) }
        if let other = ports.updateValue(link.site, forKey: port) {
          throw .sharedPort(port, other, link.site)
        }
      case .connect(let endpoints, _): if endpoints.isEmpty { throw .endpointMissing(link.site) }
      }
      for address in link.peerAddresses {
        guard !own.contains(address) else { throw .ownAddressAsPeer(address, link.site) }
        if let other = owners.updateValue(link.site, forKey: address) {
          throw .sharedAddress(address, other, link.site)
        }
      }
    }
    self.addresses = addresses
    self.mtu = mtu
    self.key = key
    self.links = links.sorted { $0.interface < $1.interface }
    self.sharedPort = sharedPort
    self.listenAddress = listenAddress
  }

  /// Which listening port takes the connections signed with which control key.
  public var sharedPortPeers: [UInt16: Secret] {
    links.reduce(into: [:]) { peers, link in
      if case .listen(let port) = link.role { peers[port] = link.controlKey }
    }
  }

  /// The routes that a link has while it is in use. An address of a family in which we have none gets no route:
  /// nothing of ours could be its source.
  func routes(of link: OpenVPNLink) -> Set<OpenVPNRoute> {
    guard link.isInUse else { return [] }
    return Set(
      link.peerAddresses.compactMap { address in
        addresses.first { $0.family == address.family }.map {
          OpenVPNRoute(IPPrefix(host: address), source: $0.address)
        }
      })
  }
}

/// Why a configuration was refused before it came near the kernel or a process.
public enum OpenVPNConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The MTU lies outside ``TunnelConfiguration/mtuRange``.
  case mtu(Int)
  /// One of our own addresses is a network.
  case notAHostAddress(IPPrefix)
  /// The private key has this many bytes instead of 32.
  case keyLength(Int)
  /// Not "pbxlink-" and a number.
  case interfaceName(String)
  /// Two links want the same interface.
  case sharedInterface(String, SiteName, SiteName)
  /// A control key has this many bytes instead of 256.
  case controlKeyLength(SiteName, Int)
  /// A listening link without a port.
  case portMissing(SiteName)
  /// Two links listen on the same port.
  case sharedPort(UInt16, SiteName, SiteName)
  /// A connecting link with nothing to connect to.
  case endpointMissing(SiteName)
  /// A peer has our own address.
  case ownAddressAsPeer(IPAddress, SiteName)
  /// Two peers have the same address.
  case sharedAddress(IPAddress, SiteName, SiteName)

  /// What is wrong and what to do.
  public var description: String {
    switch self {
    case .mtu(let mtu): TunnelConfigurationError.mtu(mtu).description
    case .notAHostAddress(let prefix): TunnelConfigurationError.notAHostAddress(prefix).description
    case .keyLength(let count):
      "OpenVPN private key: \(count) bytes instead of 32; restore the key file from a backup"
    case .interfaceName(let name):
      "OpenVPN interface '\(name)': the name must be \"pbxlink-\" and a number of at most 7 digits"
    case .sharedInterface(let name, let first, let second):
      "OpenVPN interface \(name): given to '\(first)' and to '\(second)'"
    case .controlKeyLength(let site, let count):
      "OpenVPN control key for '\(site)': \(count) bytes instead of \(OpenVPNConfiguration.controlKeyLength)"
    case .portMissing(let site): "OpenVPN peer '\(site)': no port to listen on"
    case .sharedPort(let port, let first, let second):
      "OpenVPN port \(port): given to '\(first)' and to '\(second)'"
    case .endpointMissing(let site): "OpenVPN peer '\(site)': no endpoint to connect to"
    case .ownAddressAsPeer(let address, let site): "OpenVPN peer '\(site)': has our own address \(address)"
    case .sharedAddress(let address, let first, let second):
      "tunnel address \(address): claimed by '\(first)' and by '\(second)'"
    }
  }
}
