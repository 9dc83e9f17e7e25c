// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Glibc
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

/// One of two sites in namespaces of their own. The first one listens on its public address, without a shared
/// port in front.
struct OpenVPNSite {
  static let obstacle: String? =
    NetworkNamespace.obstacle
    ?? (["/usr/sbin/openvpn", "/usr/bin/setpriv", "/dev/net/tun"] as [String])
    .first { access($0, F_OK) != 0 }.map { "no \($0): install openvpn and util-linux" }

  static let controlKey = Secret((0..<256).map { UInt8($0 ^ 0x5c) })

  /// The command under test, which lies beside the tests.
  private static let program: String =
    CommandLine.arguments[0].split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 } + "/pbxlink"

  let space: NetworkNamespace
  let number: Int
  let directory: String
  let kernel: RouteNetlink
  let plane: OpenVPNPlane
  let seed: Secret
  let certificate: OpenVPNCertificate

  init(_ space: NetworkNamespace, _ number: Int, command: [String] = OpenVPNPlane.command) async throws {
    self.space = space
    self.number = number
    directory = "/tmp/\(space.name)-openvpn"
    kernel = try await space.inside { try RouteNetlink() }
    plane = OpenVPNPlane(
      kernel: kernel, directory: directory, command: ["ip", "netns", "exec", space.name] + command,
      sharedPort: SharedPortProcess(
        directory: directory, command: ["ip", "netns", "exec", space.name, Self.program, "shared-port"]))
    seed = Secret(Array(repeating: UInt8(number), count: 32))
    certificate = try OpenVPNCertificate(seed)
  }

  static func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  var addresses: [IPPrefix] {
    get throws { try [#require(IPPrefix("10.77.0.\(number)")), #require(IPPrefix("fd77::\(number)"))] }
  }

  /// The link to another site.
  func link(
    to other: Self, fingerprint: CertificateFingerprint? = nil, interface: String = "pbxlink-2",
    port: UInt16 = 1194, isInUse: Bool = true
  ) throws -> OpenVPNLink {
    OpenVPNLink(
      interface: interface, site: try #require(SiteName("site\(other.number)")),
      role: number == 1
        ? .listen(port: port)
        : .connect(to: [try #require(Endpoint("192.0.2.\(other.number):\(port)"))], proxy: nil),
      peerFingerprint: fingerprint ?? other.certificate.fingerprint, controlKey: Self.controlKey,
      peerAddresses: try other.addresses.map(\.address), isInUse: isInUse)
  }

  /// With a shared port in front, or listening on the public address itself.
  func configuration(_ links: [OpenVPNLink], sharedPort: UInt16? = nil) throws -> OpenVPNConfiguration {
    let address = try Self.address("192.0.2.\(number)")
    return try OpenVPNConfiguration(
      addresses: addresses, mtu: 1380, key: seed, links: links,
      sharedPort: sharedPort.map { ResolvedEndpoint(address, port: $0) },
      listenAddress: sharedPort == nil ? address : Self.address("127.0.0.1"))
  }

  func changes(_ links: [OpenVPNLink], sharedPort: UInt16? = nil) async throws -> [OpenVPNChange] {
    PBXLinkCore.changes(
      from: try await plane.observe(), to: try configuration(links, sharedPort: sharedPort))
  }

  @discardableResult
  func apply(_ links: [OpenVPNLink], sharedPort: UInt16? = nil) async throws -> [OpenVPNChange] {
    let plan = try await changes(links, sharedPort: sharedPort)
    try await plane.apply(plan, to: try configuration(links, sharedPort: sharedPort))
    return plan
  }

  func observed(_ interface: String = "pbxlink-2") async throws -> ObservedOpenVPN.Link? {
    try await plane.observe().links[interface]
  }

  /// What the process of an interface says; nil when it says nothing.
  func status(_ interface: String = "pbxlink-2") async throws -> ObservedOpenVPN.Status? {
    guard case .status(let status) = try await observed(interface)?.process?.management else { return nil }
    return status
  }

  func isConnected() async throws -> Bool { try await status()?.isConnected ?? false }

  /// Whether a datagram to the other's tunnel address arrives there within a second.
  func reaches(_ other: Self, over family: IPAddress.Family = .v4) async throws -> Bool {
    let target = ResolvedEndpoint(
      try Self.address(family == .v4 ? "10.77.0.\(other.number)" : "fd77::\(other.number)"), port: 7)
    let receiver = try await other.space.inside { try TestDatagramSocket(boundTo: target) }
    let sender = try await space.inside { try TestDatagramSocket(family: family) }
    guard sender.send(to: target) else { return false }
    return try await other.space.inside { receiver.receives() }
  }

  /// Two sites on a cable.
  static func withPair(_ body: (Self, Self) async throws -> Void) async throws {
    try await NetworkNamespace.with(count: 2) { spaces in
      let sites = (try await Self(spaces[0], 1), try await Self(spaces[1], 2))
      try await spaces[0].ip(
        "link", "add", "wan", "type", "veth", "peer", "name", "wan", "netns", spaces[1].name)
      for (number, space) in spaces.enumerated() {
        try await space.ip("address", "add", "192.0.2.\(number + 1)/24", "dev", "wan")
        try await space.ip("link", "set", "wan", "up")
      }
      let outcome = await Result<Void, any Error>(catching: { try await body(sites.0, sites.1) })
      for site in [sites.0, sites.1] {
        try await site.plane.remove()
        try? FileManager.default.removeItem(atPath: site.directory)
      }
      try outcome.get()
    }
  }
}

extension Result where Failure == any Error {
  fileprivate init(catching body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
