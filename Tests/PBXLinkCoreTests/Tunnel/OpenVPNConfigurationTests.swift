// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import PBXLinkCore
import Testing

@Suite("OpenVPN configuration")
struct OpenVPNConfigurationTests: OpenVPNFixtures {
  private static let golden = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Golden/OpenVPN")
  private static let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

  private func file(_ link: OpenVPNLink, listenAddress: String? = nil) throws -> [UInt8] {
    let configuration = try openVPN([link])
    return OpenVPNProcessConfiguration(link, of: configuration).file(certificate: Self.certificate)
      .exposedBytes
  }

  private func compare(_ bytes: [UInt8], with name: String) throws {
    let file = Self.golden.appending(path: name)
    if ProcessInfo.processInfo.environment["PBXLINK_RECORD"] == "1" {
      try Data(bytes).write(to: file)
      Issue.record("recorded \(name)")
    }
    #expect(
      String(decoding: bytes, as: UTF8.self) == String(decoding: try Data(contentsOf: file), as: UTF8.self))
  }

  @Test("the listening and the connecting end are rendered as recorded")
  func rendering() throws {
    try compare(try file(link(2)), with: "listener.conf")
    let endpoints = try ["pbx.example.com:443", "203.0.113.5:1194", "[2001:db8::5]:443"].map {
      try #require(Endpoint($0))
    }
    try compare(try file(link(3, role: .connect(to: endpoints, proxy: nil))), with: "connector.conf")
    let proxy = try #require(Endpoint("proxy.example.com:3128"))
    try compare(try file(link(3, role: .connect(to: [endpoints[0]], proxy: proxy))), with: "proxy.conf")
  }

  @Test("a file is recognised by what is in it besides the certificate")
  func recognition() throws {
    let link = try link(2)
    let configuration = OpenVPNProcessConfiguration(link, of: try openVPN([link]))
    #expect(try OpenVPNProcessConfiguration(file: file(link)) == configuration)
    #expect(OpenVPNProcessConfiguration(file: Array("dev pbxlink-2\n".utf8)) == nil)
    #expect(OpenVPNProcessConfiguration(file: []) == nil)
    var standby = link
    standby.isInUse = false
    #expect(try OpenVPNProcessConfiguration(standby, of: openVPN([standby])) == configuration)
    #expect(try OpenVPNProcessConfiguration(link, of: openVPN([link], mtu: 1400)) != configuration)
    let otherKey = try openVPN([link], key: Secret(Array(repeating: 7, count: 32)))
    #expect(OpenVPNProcessConfiguration(link, of: otherKey) != configuration)
  }

  @Test("no more endpoints are tried than OpenVPN takes")
  func endpointLimit() throws {
    let endpoints = try (1...100).map { try #require(Endpoint("203.0.113.\($0):443")) }
    let text = String(
      decoding: try file(link(2, role: .connect(to: endpoints, proxy: nil))), as: UTF8.self)
    #expect(text.split(separator: "\n").filter { $0.hasPrefix("remote ") }.count == 64)
  }

  @Test("what cannot be applied is refused, and nothing else")
  func refusals() throws {
    let connect = OpenVPNLink.Role.connect(to: [], proxy: nil)
    let cases: [([OpenVPNLink], OpenVPNConfigurationError)] = [
      ([try link(2, interface: "pbxlink0")], .interfaceName("pbxlink0")),
      ([try link(2, interface: "pbxlink-02")], .interfaceName("pbxlink-02")),
      ([try link(2, interface: "pbxlink-12345678")], .interfaceName("pbxlink-12345678")),
      (
        [try link(2), try link(3, interface: "pbxlink-2")],
        .sharedInterface("pbxlink-2", try link(2).site, try link(3).site)
      ),
      ([try link(2, controlKey: Secret([1]))], .controlKeyLength(try link(2).site, 1)),
      ([try link(2, role: .listen(port: 0))], .portMissing(try link(2).site)),
      ([try link(2, role: connect)], .endpointMissing(try link(2).site)),
      (
        [try link(2), try link(3, role: .listen(port: 20_002))],
        .sharedPort(20_002, try link(2).site, try link(3).site)
      ),
      (
        [try link(2, addresses: ["10.77.0.1"])], .ownAddressAsPeer(try address("10.77.0.1"), try link(2).site)
      ),
      (
        [try link(2), try link(3, addresses: ["10.77.0.2"])],
        .sharedAddress(try address("10.77.0.2"), try link(2).site, try link(3).site)
      ),
    ]
    for (links, error) in cases { #expect(throws: error) { try openVPN(links) } }
    #expect(throws: OpenVPNConfigurationError.mtu(1279)) { try openVPN([link(2)], mtu: 1279) }
    #expect(throws: OpenVPNConfigurationError.notAHostAddress(try prefix("10.77.0.0/16"))) {
      try openVPN([link(2)], addresses: ["10.77.0.0/16"])
    }
    #expect(throws: OpenVPNConfigurationError.keyLength(3)) { try openVPN([], key: Secret([1, 2, 3])) }
    #expect(try openVPN([link(3), link(2)]).links.map(\.interface) == ["pbxlink-2", "pbxlink-3"])
  }

  @Test("a fingerprint is read as it is written, and nothing else is one")
  func fingerprints() throws {
    let fingerprint = try #require(CertificateFingerprint(bytes: (0..<32).map { UInt8($0 * 8) }))
    #expect(fingerprint.description.hasPrefix("00:08:10:") && fingerprint.description.hasSuffix(":F0:F8"))
    #expect(CertificateFingerprint(fingerprint.description) == fingerprint)
    #expect(CertificateFingerprint(fingerprint.description.lowercased()) == fingerprint)
    let json = try JSONEncoder().encode([fingerprint])
    #expect(try JSONDecoder().decode([CertificateFingerprint].self, from: json) == [fingerprint])
    let text = fingerprint.description
    for wrong in [
      "", ":", String(text.dropLast()), text + ":00", text.replacing("F8", with: "+8"), text + "\n",
    ] {
      #expect(CertificateFingerprint(wrong) == nil)
    }
  }

  @Test("neither keys nor files are shown")
  func secrecy() throws {
    let links = [try link(2)]
    let configuration = try openVPN(links, sharedPort: "0.0.0.0:443")
    var dumped = "\(configuration) \(changes(from: ObservedOpenVPN(), to: configuration))"
    dump(configuration, to: &dumped)
    dump(OpenVPNProcessConfiguration(links[0], of: configuration), to: &dumped)
    for secret in ["WlpaWlpa", "5a5a", "90, 90", "02030405", "2, 3, 4"] { #expect(!dumped.contains(secret)) }
  }
}
