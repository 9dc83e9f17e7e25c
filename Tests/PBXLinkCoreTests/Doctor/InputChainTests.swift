// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Other firewalls")
struct InputChainTests {
  private static let ruleset = """
    table ip filter {
    \tset ports {
    \t\ttype inet_service
    \t\telements = { 22, 51820 }
    \t}
    \tchain INPUT {
    \t\ttype filter hook input priority filter; policy drop;
    \t\tiifname "pbxlink0" accept
    \t\ttcp dport @ports accept
    \t}
    \tchain FORWARD {
    \t\ttype filter hook forward priority filter; policy drop;
    \t}
    }
    table inet firewalld {
    \tchain filter_INPUT {
    \t\ttype filter hook input priority filter + 10; policy accept;
    \t\tct state { established, related } accept
    \t\treject with icmpx admin-prohibited
    \t}
    }
    table inet open {
    \tchain input {
    \t\ttype filter hook input priority filter; policy accept;
    \t\ttcp dport 23 drop
    \t}
    }
    table inet pbxlink {
    \tchain input {
    \t\ttype filter hook input priority filter - 10; policy drop;
    \t}
    }
    """

  @Test("chains are found with their policy or closing rule, and the words of their table; ours is left out")
  func ruleset() throws {
    let chains = InputChain.chains(inRuleset: Self.ruleset)
    #expect(
      chains.map(\.name) == [
        "chain INPUT of table ip filter", "chain filter_INPUT of table inet firewalld",
        "chain input of table inet open",
      ])
    #expect(chains.map(\.dropsByDefault) == [true, true, false])
    #expect(try #require(chains.first).words.isSuperset(of: ["51820", "pbxlink0"]))
    #expect(InputChain.chains(inRuleset: "") == [])
  }

  @Test(
    "legacy iptables drops by its policy or its last rule",
    arguments: [
      ("-P INPUT DROP\n-A INPUT -i lo -j ACCEPT", true), ("-P INPUT ACCEPT\n-A INPUT -j REJECT", true),
      ("-P INPUT ACCEPT\n-A INPUT -p tcp -j DROP", false), ("-P INPUT ACCEPT\n-P FORWARD DROP", false),
    ])
  func legacy(rules: String, drops: Bool) {
    #expect(InputChain(legacyRules: rules, command: "iptables-legacy")?.dropsByDefault == drops)
    #expect(InputChain(legacyRules: "-P OUTPUT DROP", command: "iptables-legacy") == nil)
  }

  @Test(
    "a chain that drops is a hint where it names neither the port nor the interface",
    arguments: [
      (["22"], true, Finding.Severity.warning, 2), (["22"], false, .warning, 2),
      (["51820"], false, .warning, 1),
      (["pbxlink0"], true, .warning, 1), (["pbxlink0"], false, .notice, 1),
      (["51820", "pbxlink0"], true, .ok, 0),
    ])
  func hints(words: [String], isReachable: Bool, severity: Finding.Severity, rules: Int) throws {
    let chain = InputChain(name: "chain c of table t", dropsByDefault: true, words: Set(words))
    let facts = FirewallFacts(
      trial: .seen(.accepted), inputChains: .seen([chain]), interface: "pbxlink0", tunnelPort: 51820,
      isReachable: isReachable)
    let finding = try #require(facts.findings.first { $0.id == "other-firewall" })
    #expect(finding.severity == severity)
    #expect((finding.remedy ?? "").split(separator: "accept").count == (rules == 0 ? 0 : rules + 1))
  }

  @Test(
    "with OpenVPN all of our interfaces must be let in, and the TCP port where others call us",
    arguments: [
      (["51820", "pbxlink0", "443"], UInt16(443), "iifname \"pbxlink*\" accept"),
      (["51820", "pbxlink*"], 443, "tcp dport 443 accept"), (["51820", "pbxlink*"], nil, nil),
      (["51820", "pbxlink+", "443"], 443, nil), (["51820", "pbxlink0", "pbxlink-7"], nil, nil),
    ] as [([String], UInt16?, String?)])
  func openVPN(words: [String], port: UInt16?, rule: String?) throws {
    let chain = InputChain(name: "chain c of table t", dropsByDefault: true, words: Set(words))
    let facts = FirewallFacts(
      trial: .seen(.accepted), inputChains: .seen([chain]), interface: "pbxlink0", tunnelPort: 51820,
      isReachable: false, hasOpenVPN: true, openVPNPort: port)
    let finding = try #require(facts.findings.first { $0.id == "other-firewall" })
    #expect(finding.remedy?.contains(rule ?? "-") == (rule == nil ? nil : true), "\(finding)")
    #expect(finding.severity == (rule == nil ? .ok : .warning))
  }
}
