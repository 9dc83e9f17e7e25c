// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension HostExamination {
  func firewall(_ state: AgentFacts.State) async -> FirewallFacts {
    FirewallFacts(
      trial: await trial(),
      inputChains: await Self.look {
        // nft --stateless list ruleset
        let ruleset = try await Tool.run("nft", ["--stateless", "list", "ruleset"]).text("list the ruleset")
        let legacy = try await [legacyChain("iptables", names: "ip"), legacyChain("ip6tables", names: "ip6")]
        return InputChain.chains(inRuleset: ruleset) + legacy.compactMap(\.self)
      },
      interface: configuration.tunnel.interface, tunnelPort: configuration.tunnel.listenPort,
      isReachable: !configuration.tunnel.endpoints.isEmpty, hasOpenVPN: needsOpenVPN(state),
      openVPNPort: configuration.openVPN.endpoints.isEmpty ? nil : configuration.openVPN.listenPort)
  }

  /// Has the kernel check our table, an empty mesh's, without installing it.
  private func trial() async -> Look<FirewallFacts.Trial> {
    let table = FirewallConfiguration(
      interfaces: [configuration.tunnel.interface], members: [], invited: [], meshNetworks: [],
      exchangePort: configuration.exchangePort, probePort: configuration.probePort,
      iaxPort: configuration.trunk.port, tunnelPort: configuration.tunnel.listenPort,
      protectIAX: configuration.firewall.protectIAX, allowedIAX: configuration.firewall.allowIAX
    ).listing
    let script = "add table inet pbxlink\ndelete table inet pbxlink\n\(table)"
    do {
      // nft --check --file -
      let answer = try await Tool.run("nft", ["--check", "--file", "-"], input: script)
      if answer.isSuccess { return .seen(.accepted) }
      guard mayAdministerNetwork else {
        return .unseen(
          Unseen(answer.complaint, remedy: "Run 'pbxlink doctor' with CAP_NET_ADMIN, as root has it."))
      }
      return .seen(.refused(answer.complaint))
    } catch Tool.Failure.missing {
      return .seen(.missing)
    } catch {
      return .unseen(Self.unseen(error))
    }
  }

  /// The rules of iptables that are not nftables' own.
  private func legacyChain(_ command: String, names: String) async throws -> InputChain? {
    let tables = try AsteriskFile.read("/proc/net/\(names)_tables_names") ?? []
    guard String(decoding: tables, as: UTF8.self).split(separator: "\n").contains("filter") else {
      return nil
    }
    // iptables-legacy --list-rules
    let tool = "\(command)-legacy"
    return InputChain(
      legacyRules: try await Tool.run(tool, ["--list-rules"]).text("list the rules"), command: tool)
  }
}
