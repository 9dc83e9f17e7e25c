// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import Testing

@testable import PBXLinkCore

@Suite("Doctor")
struct ExaminationTests {
  @Test("a host with nothing wrong has nothing but good findings")
  func healthy() {
    let examination = HostFacts.healthy().examination(at: HostFacts.now)
    #expect(examination.findings.filter { $0.severity != .ok } == [])
    #expect(!examination.hasErrors)
    #expect(Set(examination.findings.map(\.group)) == Set(Finding.Group.allCases))
  }

  /// A way to be unwell.
  struct Fault: Sendable, CustomTestStringConvertible {
    let id: String
    let severity: Finding.Severity
    let change: @Sendable (inout HostFacts) -> Void
    var testDescription: String { "\(id) \(severity)" }

    init(_ id: String, _ severity: Finding.Severity, _ change: @escaping @Sendable (inout HostFacts) -> Void)
    {
      self.id = id
      self.severity = severity
      self.change = change
    }
  }

  static let unseen = Unseen("not permitted", remedy: "Run as root.")
  static let foreign = InputChain(name: "chain INPUT of table ip filter", dropsByDefault: true, words: ["22"])

  static let faults: [Fault] = [
    Fault("agent-running", .warning) { $0.agent.state = .stopped },
    Fault("agent-running", .error) { $0.agent.state = .failing("no") },
    Fault("agent-running", .notice) { $0.agent.state = .unseen(unseen) },
    Fault("plan", .notice) { $0.agent.plan = .unseen(unseen) },
    Fault("firewall-state", .error) {
      $0.agent.plan = .seen(Plan(steps: [.init(plane: "firewall", change: "create table inet pbxlink")]))
    },
    Fault("tunnel-state", .warning) {
      $0.agent.plan = .seen(Plan(steps: [.init(plane: "tunnel", change: "set up")]))
    },
    Fault("trunk-state", .error) { $0.agent.plan = .seen(Plan(steps: [], unknown: ["trunk: broken"])) },
    Fault("asterisk-installed", .error) { $0.asterisk.version = .seen(nil) },
    Fault("asterisk-version", .notice) { $0.asterisk.version = .unseen(unseen) },
    Fault("asterisk-version", .warning) { $0.asterisk.version = .seen(AsteriskVersion("Asterisk 18.26.4")) },
    Fault("asterisk-files", .error) { $0.asterisk.trunk = .unseen(unseen) },
    Fault("asterisk-files", .notice) {
      $0.asterisk.trunk = .unseen(unseen)
      $0.asterisk.mayAsk = false
    },
    Fault("state", .error) { $0.files.stateFault = "state.sqlite is damaged" },
    Fault("asterisk-running", .error) { $0.changeTrunk { $0.isRunning = false } },
    Fault("asterisk-running", .notice) {
      $0.changeTrunk { $0.isRunning = false }
      $0.asterisk.mayAsk = false
    },
    Fault("iax2-module", .error) { $0.changeTrunk { $0.hasIAX2 = false } },
    Fault("iax2-socket", .error) { $0.changeTrunk { $0.openUDPPorts = [] } },
    Fault("asterisk-syntax", .error) {
      $0.changeTrunk { $0.findings[.iax] = HostFacts.findings("[general\n", for: .iax) }
    },
    Fault("dialplan-context", .warning) {
      $0.changeTrunk { $0.findings[.extensions] = HostFacts.findings("[local]\n", for: .extensions) }
    },
    Fault("local-context", .warning) {
      $0.asterisk.configuration = TrunkConfiguration(siteFile: Configuration())
    },
    Fault("name-clash", .error) {
      $0.changeTrunk { $0.findings[.iax] = HostFacts.findings("[plk_x]\n", for: .iax) }
    },
    Fault("include-lines", .notice) { $0.changeTrunk { $0.missingIncludes = [.iax: "iax.conf"] } },
    Fault("include-lines", .warning) {
      $0.changeTrunk { $0.missingIncludes = [.iax: "iax.conf"] }
      $0.asterisk.isMember = true
    },
    Fault("iax2-bindaddr", .warning) {
      $0.changeTrunk {
        $0.findings[.iax] = HostFacts.findings("[general]\nbindaddr=192.0.2.1:4569\n", for: .iax)
      }
    },
    Fault("iax2-calltoken", .warning) {
      $0.changeTrunk {
        $0.findings[.iax] = HostFacts.findings("[general]\ncalltokenoptional=0.0.0.0/0\n", for: .iax)
      }
    },
    Fault("iax2-open-user", .warning) {
      $0.asterisk.openUsers = openUsers(
        in: AsteriskConfigLine.lines(of: "[guest]\ntype=user\n", file: "iax.conf"))
    },
    Fault("manager-interface", .error) {
      $0.changeTrunk {
        $0.findings[.manager] = HostFacts.findings("[general]\nenabled=yes\nport=5039\n", for: .manager)
      }
    },
    Fault("manager-interface", .error) { $0.asterisk.manager = .seen(.fails("refused")) },
    Fault("manager-interface", .notice) { $0.asterisk.manager = .seen(.absent) },
    Fault("cap-net-admin", .error) { $0.tunnel.mayAdministerNetwork = false },
    Fault("cap-net-admin", .notice) {
      $0.tunnel.mayAdministerNetwork = false
      $0.tunnel.isRoot = false
    },
    Fault("tunnel-backend", .error) { $0.tunnel.kernelHasWireGuard = .seen(false) },
    Fault("tunnel-backend", .error) {
      $0.tunnel.kernelHasWireGuard = .seen(false)
      $0.tunnel.wanted = .kernel
    },
    Fault("tunnel-backend", .notice) { $0.tunnel.kernelHasWireGuard = .unseen(unseen) },
    Fault("tun-device", .error) {
      $0.tunnel.wanted = .userspace
      $0.tunnel.hasWireGuardGo = true
    },
    Fault("tun-device", .error) { $0.tunnel.openVPNProblem = .some(nil) },
    Fault("openvpn", .warning) {
      $0.tunnel.openVPNProblem = "no such program"
      $0.tunnel.hasTUN = true
    },
    Fault("openvpn-state", .warning) {
      $0.agent.plan = .seen(Plan(steps: [.init(plane: "openvpn", change: "start openvpn")]))
    },
    Fault("nft", .error) { $0.firewall.trial = .seen(.missing) },
    Fault("nft", .error) { $0.firewall.trial = .seen(.refused("syntax error")) },
    Fault("other-firewall", .warning) { $0.firewall.inputChains = .seen([foreign]) },
    Fault("clock-order", .error) { $0.clock.highestTime = .seen(HostFacts.now + 61) },
    Fault("clock-synchronized", .warning) { $0.clock.isSynchronized = .seen(false) },
    Fault("tunnel-port", .error) { $0.ports.tunnelPortIsOpen = .seen(true) },
    Fault("exchange-port", .warning) { $0.ports.servesExchange = true },
    Fault("exchange-port", .warning) {
      $0.ports.exchangePortIsOpen = .seen(true)
      $0.ports.isAgentStopped = true
    },
    Fault("site-file", .error) { $0.files.siteFileState = .bad("x.yaml:3:1: trunk.port: not a number") },
    Fault("site-file", .notice) { $0.files.siteFileState = .missing },
    Fault("file-mode", .error) { $0.files.entries = .seen([entry(mode: 0o640, wanted: 0o600)]) },
    // Asterisk, in the group, could not read it.
    Fault("file-mode", .error) { $0.files.entries = .seen([entry(mode: 0o600, wanted: 0o640)]) },
    Fault("file-owner", .error) { $0.files.entries = .seen([entry(mode: 0o600, wanted: 0o600, owner: 7)]) },
  ]

  static func entry(mode: UInt32, wanted: UInt32, owner: UInt32 = 0) -> FileFacts.Entry {
    FileFacts.Entry(
      path: "/f", owner: owner, group: 0, mode: mode, wantedOwner: 0, wantedGroup: nil, wantedMode: wanted,
      reason: "because")
  }

  @Test("a fault gives its finding with a remedy, and only an error fails", arguments: faults)
  func fault(_ fault: Fault) throws {
    var facts = HostFacts.healthy()
    fault.change(&facts)
    let examination = facts.examination(at: HostFacts.now)
    let finding = try #require(
      examination.findings.first { $0.id == fault.id && $0.severity == fault.severity },
      "\(examination.lines())")
    #expect(finding.remedy?.isEmpty == false)
    #expect(examination.hasErrors == (fault.severity == .error))
    #expect(!examination.findings.contains { $0.id == fault.id && $0.severity == .ok })
  }

  @Test(
    "what is as it should be is not called a fault",
    arguments: [
      Fault("clock-order", .ok) { $0.clock.highestTime = .seen(HostFacts.now + 60) },
      Fault("tunnel-port", .ok) {
        $0.ports.tunnelPortIsOpen = .seen(true)
        $0.ports.ownTunnelPort = .seen(51820)
      },
      Fault("file-permissions", .ok) {
        $0.files.entries = .seen([entry(mode: 0o400, wanted: 0o600), entry(mode: 0o640, wanted: 0o640)])
      },
      Fault("firewall-state", .ok) { $0.agent.plan = .seen(Plan(steps: [])) },
      Fault("tunnel-backend", .ok) { $0.tunnel.chosen = ("kernel", "the kernel has WireGuard") },
    ])
  func fine(_ fact: Fault) {
    var facts = HostFacts.healthy()
    fact.change(&facts)
    let examination = facts.examination(at: HostFacts.now)
    #expect(examination.findings.filter { $0.severity != .ok } == [])
    #expect(examination.findings.contains { $0.id == fact.id })
  }

  @Test("a plane that could not be looked at is not told twice where a finding says why")
  func onceOnly() {
    var facts = HostFacts.healthy()
    facts.firewall.trial = .seen(.missing)
    facts.agent.plan = .seen(Plan(steps: [], unknown: ["firewall: no command 'nft'"]))
    let findings = facts.examination(at: HostFacts.now).findings
    #expect(findings.filter { $0.severity == .error }.map(\.id) == ["nft"])
  }

  @Test("problems come first, in groups and in the text, and the JSON form has its schema and every key")
  func report() throws {
    var facts = HostFacts.healthy()
    facts.clock.isSynchronized = .seen(false)
    facts.files.siteFileState = .bad("bad")
    let examination = facts.examination(at: HostFacts.now)
    #expect(
      examination.findings.prefix(3).map(\.id) == ["site-file", "clock-synchronized", "clock-order"])
    let lines = examination.lines()
    #expect(lines[0...1] == ["files", "  ! error    site-file: bad"])
    #expect(lines[2].hasPrefix("             -> Correct it; "))
    #expect(lines.last?.hasPrefix("1 error, 1 warning, ") == true)
    let json = try JSONEncoder().encode(examination)
    #expect(try JSONDecoder().decode(Examination.self, from: json) == examination)
    let text = String(decoding: json, as: UTF8.self)
    #expect(text.contains("\"schema\":\"pbxlink.doctor\\/1\"") && text.contains("\"remedy\":null"))
  }
}
