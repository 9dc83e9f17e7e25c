// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

/// Short words for the values of OpenVPN tests.
protocol OpenVPNFixtures: TunnelFixtures {}

extension OpenVPNFixtures {
  func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  func fingerprint(_ number: UInt8) throws -> CertificateFingerprint {
    try #require(CertificateFingerprint(bytes: Array(repeating: number, count: 32)))
  }

  /// The link to site number `number`, on the interface of that number.
  func link(
    _ number: Int, interface: String? = nil, site: String? = nil, role: OpenVPNLink.Role? = nil,
    controlKey: Secret? = nil, addresses: [String]? = nil, isInUse: Bool = true
  ) throws -> OpenVPNLink {
    OpenVPNLink(
      interface: interface ?? "pbxlink-\(number)", site: try #require(SiteName(site ?? "site\(number)")),
      role: role ?? .listen(port: UInt16(20_000 + number)), peerFingerprint: try fingerprint(UInt8(number)),
      controlKey: controlKey ?? Secret((0..<256).map { UInt8(truncatingIfNeeded: $0 + number) }),
      peerAddresses: try (addresses ?? ["10.77.0.\(number)", "fd77::\(number)"]).map(address),
      isInUse: isInUse)
  }

  func openVPN(
    _ links: [OpenVPNLink], addresses: [String] = ["10.77.0.1", "fd77::1"], mtu: Int = 1380,
    key: Secret = Secret(Array(repeating: 0x5a, count: 32)), sharedPort: String? = nil
  ) throws -> OpenVPNConfiguration {
    try OpenVPNConfiguration(
      addresses: addresses.map(prefix), mtu: mtu, key: key, links: links,
      sharedPort: try sharedPort.map(endpoint))
  }
}

extension ObservedOpenVPN {
  /// What host and processes make of changes.
  func applying(_ changes: [OpenVPNChange], to desired: OpenVPNConfiguration) -> Self {
    var result = self
    for change in changes { result.apply(change, to: desired) }
    return result
  }

  private mutating func apply(_ change: OpenVPNChange, to desired: OpenVPNConfiguration) {
    switch change {
    case .createLink(let name):
      let process = links[name]?.process
      links[name] = Link(link: .down)
      links[name]?.mtu = 1500
      links[name]?.process = process
    case .removeLink(let name, _), .stopProcess(let name): links[name] = nil
    case .addAddress(let name, let address): links[name]?.addresses.insert(address)
    case .removeAddress(let name, let address): links[name]?.addresses.remove(address)
    case .setMTU(let name, let mtu): links[name]?.mtu = mtu
    case .disableReversePathFilter(let name): links[name]?.filtersReversePath = false
    case .setUp(let name): links[name]?.link = .up
    case .startProcess(let name), .restartProcess(let name, _):
      guard let link = desired.links.first(where: { $0.interface == name }) else { return }
      let former = links[name]?.process?.identifier ?? 0
      links[name]?.process = Process(
        identifier: former + 1,
        configuration: OpenVPNProcessConfiguration(link, of: desired),
        management: .status(Status(state: "CONNECTED", since: Timestamp(seconds: 0))))
    case .addRoute(let name, let route):
      // The kernel has one route for a destination and a metric, whatever its interface.
      for other in links.keys { links[other]?.routes.remove(likeness: route) }
      links[name]?.routes.insert(route)
    case .removeRoute(let name, let route): links[name]?.routes.remove(likeness: route)
    case .setSharedPortPeers: sharedPort?.peers = desired.sharedPortPeers
    case .startSharedPort(let listen): sharedPort = SharedPort(listen: listen, peers: desired.sharedPortPeers)
    case .stopSharedPort: sharedPort = nil
    }
  }
}

extension Set<OpenVPNRoute> {
  fileprivate mutating func remove(likeness route: OpenVPNRoute) {
    self = filter { $0.destination != route.destination || $0.metric != route.metric }
  }
}
