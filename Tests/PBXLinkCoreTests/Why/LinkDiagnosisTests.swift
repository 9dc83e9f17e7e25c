// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Testing

@testable import PBXLinkCore

@Suite("Why a link works or does not")
struct LinkDiagnosisTests {
  let link: HealthyLink
  let now = Offices.now

  init() throws { link = try HealthyLink() }

  private func golden(_ name: String, _ actual: String) throws {
    let text = actual.replacing(Version.current, with: "VERSION")
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Golden/Why/\(name)")
    if ProcessInfo.processInfo.environment["PBXLINK_RECORD"] == "1" {
      try Data(text.utf8).write(to: file)
      Issue.record("recorded \(file.path)")
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == text)
  }

  private func text(_ diagnosis: LinkDiagnosis) -> String {
    diagnosis.lines().joined(separator: "\n") + "\n"
  }

  @Test("a link that is as wanted is shown as recorded, and nothing is marked")
  func healthy() throws {
    let diagnosis = try link.diagnosis()
    #expect(diagnosis.first == nil)
    #expect(diagnosis.layers.allSatisfy { $0.state == .ok && $0.remedy == nil })
    #expect(diagnosis.layers.map(\.layer) == LinkDiagnosis.Layer.allCases)
    try golden("healthy.txt", text(diagnosis))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let json = try encoder.encode(diagnosis)
    try golden("healthy.json", String(decoding: json, as: UTF8.self) + "\n")
    #expect(try JSONDecoder().decode(LinkDiagnosis.self, from: json) == diagnosis)
  }

  /// A thing that goes wrong, and what the line on it must say.
  struct Fault: Sendable, CustomTestStringConvertible {
    let layer: LinkDiagnosis.Layer
    let word: String
    let spoil: @Sendable (inout LinkEvidence) -> Void
    var testDescription: String { "\(layer.rawValue): \(word)" }

    init(
      _ layer: LinkDiagnosis.Layer, _ word: String, _ spoil: @escaping @Sendable (inout LinkEvidence) -> Void
    ) {
      (self.layer, self.word, self.spoil) = (layer, word, spoil)
    }
  }

  static let faults = [
    Fault(.desired, "'pbxlink down'") { $0.isDown = true },
    Fault(.clock, "behind") { $0.clockProblem = "the clock is behind" },
    Fault(.tunnel, "add route unreachable 10.77.0.0/16") { $0.tunnel = .seen(nil) },
    Fault(.tunnel, "add peer") { $0.seenTunnel.peers = [:] },
    Fault(.tunnel, "no handshake yet") { evidence in
      for key in evidence.seenTunnel.peers.keys { evidence.seenTunnel.peers[key]?.lastHandshake = nil }
    },
    Fault(.tunnel, "last handshake 5 min ago") { evidence in
      for key in evidence.seenTunnel.peers.keys {
        evidence.seenTunnel.peers[key]?.lastHandshake = Offices.now + -300
      }
    },
    Fault(.tunnel, "not looked at: no answer") { $0.tunnel = .unseen(Unseen("no answer", remedy: "look")) },
    Fault(.tunnel, "port taken") { evidence in
      evidence.seenTunnel.listenPort = 1
      evidence.failures = ["tunnel": "port taken"]
    },
    Fault(.route, "leave by eth0") { $0.route = .seen(.interface("eth0")) },
    Fault(.route, "no route") { $0.route = .seen(.none) },
    Fault(.openvpn, "start openvpn") { evidence in
      var observed = evidence.openVPN.value ?? ObservedOpenVPN()
      for name in observed.links.keys { observed.links[name]?.process = nil }
      evidence.openVPN = .seen(observed)
    },
    Fault(.openvpn, "connection refused") { evidence in
      var observed = evidence.openVPN.value ?? ObservedOpenVPN()
      for name in observed.links.keys {
        observed.links[name]?.process?.management = .status(
          .init(state: "RECONNECTING", since: nil, problem: "connection refused"))
      }
      evidence.openVPN = .seen(observed)
    },
    Fault(.firewall, "create table") { $0.firewall = .seen(nil) },
    Fault(.firewall, "nft is missing") {
      $0.firewall = .unseen(Unseen("nft is missing", remedy: "install it"))
    },
    Fault(.probes, "wireguard down") { $0.paths[.wireguard] = PathState(.down, since: .zero) },
    Fault(.probes, "wireguard degraded") { $0.paths[.wireguard] = PathState(.degraded, since: .zero) },
    Fault(.probes, "openvpn-tcp unknown") { $0.paths[.openvpnTCP] = nil },
    Fault(.probes, "wireguard up") { evidence in
      var figures = LinkFigures()
      figures.answers = 100
      figures.roundTrip = (.milliseconds(20), .milliseconds(20), .milliseconds(20))
      figures.transmit.lossRatio = 0
      figures.receive.lossRatio = 0.2
      evidence.figures = [.wireguard: figures]
    },
    Fault(.asterisk, "not running") { $0.seenTrunk.isRunning = false },
    Fault(.asterisk, "UDP port 4569") { $0.seenTrunk.openUDPPorts = [] },
    Fault(.asterisk, "context 'extensions'") { $0.seenTrunk.findings = [:] },
    Fault(.trunk, "add the trunk to lyon") { $0.seenTrunk.files = TrunkFiles() },
    Fault(.trunk, "reload Asterisk") { $0.seenTrunk.livePeers = [] },
    Fault(.testCall, "no answer") { [now = Offices.now] in
      $0.testCall = .seen(TestCall(.unanswered, after: .seconds(4), at: now))
    },
    Fault(.testCall, "none placed") { $0.testCall = .seen(nil) },
    Fault(.testCall, "no AMI") { $0.testCall = .unseen(Unseen("no AMI", remedy: "look")) },
    Fault(.qualify, "UNREACHABLE") { evidence in
      evidence.seenTrunk.livePeers = evidence.seenTrunk.livePeers?.map {
        LiveTrunkPeer(
          name: $0.name, userName: $0.userName, address: $0.address, port: $0.port,
          isEncrypted: $0.isEncrypted, status: "UNREACHABLE")
      }
    },
    Fault(.calls, "4 of 4") { $0.calls = .seen(4) },
  ]

  @Test("each fault alone is found in its layer, with what to do", arguments: faults)
  func fault(_ fault: Fault) throws {
    let diagnosis = try link.diagnosis(fault.spoil)
    #expect(diagnosis.first == fault.layer)
    let finding = try #require(diagnosis.layers.first { $0.layer == fault.layer })
    #expect(finding.state != .ok && finding.found.contains(fault.word), "\(finding.found)")
    #expect(finding.remedy?.isEmpty == false)
    #expect(diagnosis.lines().count { $0.hasPrefix("! ") } == 1)
  }

  @Test("a member that the table does not let in, and what the table is about beside it")
  func notLetIn() throws {
    var wanted = try link.head.desiredState(at: now).firewall
    wanted.members = []
    wanted.invited = [try #require(IPAddress("10.77.9.9"))]
    let observed = ObservedFirewall(wanted)
    let diagnosis = try link.diagnosis { $0.firewall = .seen(observed) }
    let finding = try #require(diagnosis.layers.first { $0.layer == .firewall })
    #expect(diagnosis.first == .firewall)
    #expect(finding.found.contains("let member 10.77.") && !finding.found.contains("10.77.9.9"))
    #expect(try link.diagnosis(of: "head") { $0.firewall = .seen(observed) }.first == nil)
  }

  @Test("the first of several faults is marked, and a fault before what could not be looked at")
  func several() throws {
    let both = try link.diagnosis { evidence in
      evidence.tunnel = .unseen(Unseen("no answer", remedy: "look"))
      evidence.route = .seen(.none)
      evidence.calls = .seen(9)
    }
    #expect(both.first == .route)
    try golden("several.txt", text(both))
  }

  @Test("a change that waits for calls to end says so")
  func waiting() throws {
    let diagnosis = try link.diagnosis { evidence in
      evidence.seenTunnel.listenPort = 1
      evidence.waiting = ["tunnel"]
    }
    #expect(diagnosis.layers.first { $0.layer == .tunnel }?.remedy?.contains("no call") == true)
  }

  @Test("this site itself shows what all links share")
  func own() throws {
    let diagnosis = try link.diagnosis(of: "head")
    #expect(diagnosis.standing == .own && diagnosis.first == nil)
    try golden("own.txt", text(diagnosis))
  }

  @Test("a site that is unknown, invited, pending, revoked or expired says so in its documents")
  func standings() throws {
    var head = link.head
    _ = try link.offices.invite("wien", ["80X"], to: &head)
    let turin = try link.offices.invite("turin", ["7XX"], to: &head).invitation
    _ = try link.offices.redeem(turin, as: "turin", at: &head)
    _ = try link.offices.join("rome", ["5XX"], to: &head)
    _ = try head.remove(link.offices.site("rome"), reason: "server stolen", at: now)
    let expected: [(String, LinkDiagnosis.Standing, LinkDiagnosis.Layer)] = [
      ("nowhere", .unknown, .membership), ("wien", .invited, .membership), ("turin", .pending, .descriptor),
      ("rome", .revoked, .membership),
    ]
    var screen = ""
    for (name, standing, layer) in expected {
      let diagnosis = try link.diagnosis(of: name, by: head)
      #expect((diagnosis.standing, diagnosis.first) == (standing, layer))
      screen += text(diagnosis)
    }
    try golden("standings.txt", screen)
    let year = Int64(365 * 86_400)
    for (late, layer) in [(year, LinkDiagnosis.Layer.descriptor), (3 * year, .membership)] {
      let diagnosis = try link.diagnosis(at: now + late)
      #expect((diagnosis.standing, diagnosis.first) == (.member, layer), "it stays linked, and is told")
    }
  }

  @Test("a site in conflict names the other one, and nothing below it is looked at")
  func conflict() throws {
    let mesh = try SampleMesh()
    var head = link.head
    let granted = try #require(head.membership)
    var later = try mesh.membership("oslo", number: 200, notBefore: now + 60)
    later.extensions = granted.extensions
    let descriptor = try mesh.sign(mesh.descriptor(of: later), by: "oslo")
    #expect(head.receive([descriptor], from: nil, at: now).receipt.refused == [])
    let diagnosis = try link.diagnosis(of: "oslo", by: head, at: now + 120)
    #expect((diagnosis.standing, diagnosis.first) == (.conflict, .membership))
    #expect(diagnosis.layers[0].found.contains("'head'"))
    #expect(diagnosis.layers.map(\.layer) == [.membership, .descriptor])
  }

  @Test("documents from the future are the clock's fault; a site with our tunnel key gets no link")
  func clocksAndKeys() throws {
    #expect(try link.diagnosis(at: now + -3600).first == .clock)
    var head = link.head
    let copied = try link.offices.descriptor(of: link.lyon) {
      $0.wireguard.publicKey = head.keys.tunnel.publicKey
    }
    #expect(head.receive([copied], from: nil, at: now).receipt.accepted == 1)
    let diagnosis = try link.diagnosis(by: head)
    #expect(diagnosis.first == .desired)
    #expect(diagnosis.layers.last?.layer == .desired)
  }

  @Test("no secret is in any line")
  func secrets() throws {
    let lines = try link.diagnosis().lines().joined()
    let secrets =
      [link.head.keys.tunnel.privateKey, link.head.keys.manager]
      + (try link.head.desiredState(at: now).trunk.peers.map(\.outbound.secret))
    for secret in secrets {
      #expect(!lines.contains(secret.exposedHex))
      #expect(!lines.contains(Base64URL.encode(secret.exposedBytes)))
    }
  }
}
