// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import GRDB
import Logging
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

/// What an agent has left that knew neither rotation nor receipts, at a site that holds the authority: Golden/Upgrade.
/// Lyon is a member, Nice was removed, Oslo is invited.
struct FormerState {
  static let golden = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Golden/Upgrade/without-rotation")

  static func text(_ name: String) throws -> String {
    try String(contentsOf: golden.appending(path: name), encoding: .utf8)
  }

  let directory = FileManager.default.temporaryDirectory.appending(path: "upgrade-\(UUID().uuidString)").path
  var siteFile: String { directory + "/pbxlink.yaml" }
  var state: String { directory + "/state" }

  init() throws {
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    let queue = try DatabaseQueue(path: state + "/state.sqlite")
    try queue.writeWithoutTransaction { database in
      try database.execute(sql: "PRAGMA journal_mode = WAL")
      try database.execute(sql: Self.text("state.sql"))
    }
    try queue.close()
    let files = try KeyFiles(directory: state + "/keys")
    for line in try Self.text("keys.txt").split(separator: "\n") {
      let (name, hex) = (line.split(separator: " ")[0], Array(line.split(separator: " ")[1]))
      let bytes = stride(from: 0, to: hex.count, by: 2).compactMap {
        UInt8(String(hex[$0..<$0 + 2]), radix: 16)
      }
      try files.create(String(name), Secret(bytes))
    }
    let paths = "paths:\n  state: \(state)\n  runtime: \(directory)/run\n"
    try Data((Self.text("pbxlink.yaml") + paths).utf8).write(to: URL(filePath: siteFile))
  }

  /// The agent as today's daemon starts it.
  func agent() async throws -> Agent {
    try #require(await Engine(siteFile: siteFile, logger: Logger(label: "test")).agent)
  }

  func documents() throws -> [String] { try StoredSite.load(state + "/state.sqlite").documents }

  func remove() { try? FileManager.default.removeItem(atPath: directory) }
}

@Suite("The state of a former version")
struct FormerVersionTests {
  @Test("opens as the same site: identity, members, revoked ones, invitations and keys")
  func opens() async throws {
    let former = try FormerState()
    defer { former.remove() }
    let documents = try former.documents()
    let agent = try await former.agent()
    #expect(agent.mesh.site.description == "paris" && agent.mesh.identity.name.description == "acme")
    #expect(Set(agent.directory.allDocuments()) == Set(documents) && documents.count == 6)
    let own = try #require(agent.directory.descriptor(of: agent.identity)?.content)
    #expect(own.wireguard.publicKey == agent.keys.tunnel.publicKey)
    #expect(own.trunk.keys.map(\.publicKey) == agent.keys.trunk.map(\.publicKey))
    #expect(own.openvpn?.fingerprint == agent.keys.certificate)
    #expect(agent.keys.authority?.publicKey == agent.directory.authority)
    let now = own.issuedAt + 60
    #expect(agent.linkedSites(at: now).map(\.name.description) == ["lyon"])
    #expect(agent.directory.revoked.values.map(\.site.description) == ["nice"])
    #expect(agent.invitations.map(\.site.description) == ["oslo"])
    #expect(agent.keyGenerations == KeyGenerations() && agent.restoredFrom == nil)
  }

  @Test("goes on with the next serial, and with the next tunnel key announced")
  func announces() async throws {
    let former = try FormerState()
    defer { former.remove() }
    var agent = try await former.agent()
    let before = try #require(agent.directory.descriptor(of: agent.identity))
    let now = before.content.issuedAt + 60
    let effects = try agent.handle(.tick, at: now)
    let after = try #require(agent.directory.descriptor(of: agent.identity))
    #expect(after.content.serial == before.content.serial + 1)
    #expect(after.content.previous == before.version.hash)
    #expect(after.content.wireguard.publicKey == before.content.wireguard.publicKey)
    #expect(after.content.wireguard.nextPublicKey == agent.keys.nextTunnel.publicKey)
    #expect(after.content.trunk == before.content.trunk)
    #expect(effects == [.saveDocuments, .reconcile, .push(Push([after.text]))])
    #expect(try await former.agent().keys.nextTunnel == agent.keys.nextTunnel, "it is on disk")
    #expect(throws: AgentError.self) {
      _ = try agent.handle(.linksUp(Set(agent.linkedSites(at: now).map(\.name))), at: now)
      _ = try agent.beginRotation(with: agent.keys, leavingBehind: false, at: now)
    }
  }

  @Test("changes nothing at links that are up")
  func plans() async throws {
    let former = try FormerState()
    defer { former.remove() }
    var agent = try await former.agent()
    let now = try #require(agent.directory.descriptor(of: agent.identity)).content.issuedAt + 60
    _ = try agent.handle(.tick, at: now)
    let desired = try agent.desiredState(at: now)
    let lyon = try #require(agent.linkedSites(at: now).first)
    let oslo = try #require(agent.invitations.first)
    var tunnel = ObservedTunnel(interface: "pbxlink0", link: .up)
    tunnel.mtu = desired.tunnel.mtu
    tunnel.publicKey = agent.keys.tunnel.publicKey
    tunnel.listenPort = 51_820
    tunnel.addresses = Set(
      try #require(agent.membership).addresses.map { InterfaceAddress(IPPrefix(host: $0)) })
    (tunnel.routes, tunnel.guards) = (Set(agent.mesh.networks), Set(agent.mesh.networks))
    tunnel.peers = [
      try #require(lyon.descriptor).wireguard.publicKey: .init(
        allowedIPs: Set(lyon.membership.addresses.map(IPPrefix.init(host:))),
        endpoint: ResolvedEndpoint(try #require(IPAddress("198.51.100.20")), port: 40_001), keepalive: 25,
        lastHandshake: now + -30),
      oslo.tunnelKey: .init(allowedIPs: [IPPrefix(host: oslo.tunnelAddress)]),
    ]
    #expect(changes(from: tunnel, to: desired.tunnel, at: now) == [])
    let files = try TrunkFiles(desired.trunk, enablingManager: false)
    // Dialplan and manager users are loaded again without a call noticing.
    let differences = [
      (
        "exten => plkprobe,1,Answer()\n",
        "exten => plkprobe,1,Set(CDR_PROP(disable)=1)\n same => n,Answer()\n"
      ),
      ("Direction: out,Cap: ${ARG4})", "Direction: out,Cap: ${ARG4},Number: ${ARG1})"),
      (
        "writetimeout=1000\n",
        "writetimeout=1000\neventfilter=Channel: IAX2/plk_\neventfilter=UserEvent: Pbxlink\n"
      ),
    ]
    for file in TrunkFile.allCases {
      let expected = differences.reduce(try FormerState.text(file.description)) { text, difference in
        text.replacing(difference.0, with: difference.1)
      }
      #expect(files[file] == expected, "\(file)")
    }
  }

  @Test("has documents that merge to the same directory in any order", arguments: 0..<20)
  func documents(seed: UInt64) throws {
    let former = try FormerState()
    defer { former.remove() }
    let documents = try former.documents()
    let mesh: Mesh = try #require(try StoredSite.load(former.state + "/state.sqlite").meta(.mesh))
    var random = SplitMix64(seed: seed)
    let cryptography = OpenSSLCryptography()
    var (one, other) = (Directory(mesh: mesh.identity), Directory(mesh: mesh.identity))
    for document in documents { _ = try one.merge(document, using: cryptography) }
    for document in documents.shuffled(using: &random) { _ = try other.merge(document, using: cryptography) }
    #expect(one == other && Set(one.allDocuments()) == Set(documents))
  }
}
