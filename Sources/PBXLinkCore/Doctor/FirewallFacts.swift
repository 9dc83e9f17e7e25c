// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// nftables, and what others' rules may do to the tunnel.
public struct FirewallFacts: Sendable {
  /// What `nft` says to a table such as ours, tried without installing it.
  public enum Trial: Sendable {
    case accepted
    /// There is no command `nft`.
    case missing
    /// What nft or the kernel says.
    case refused(String)
  }

  /// Whether our table could be installed.
  public var trial: Look<Trial>
  /// Others' chains that filter what comes in; those of legacy iptables too.
  public var inputChains: Look<[InputChain]>
  /// The tunnel interface.
  public var interface: String
  /// The tunnel's UDP port.
  public var tunnelPort: UInt16
  /// Whether other sites must be able to reach the port: this site announces an endpoint.
  public var isReachable: Bool
  /// Whether links may take an OpenVPN path, each with an interface of its own, "pbxlink-" and a number.
  public var hasOpenVPN: Bool
  /// The TCP port on which other sites call our OpenVPN; nil where they do not.
  public var openVPNPort: UInt16?

  /// Facts about the firewall.
  public init(
    trial: Look<Trial>, inputChains: Look<[InputChain]>, interface: String, tunnelPort: UInt16,
    isReachable: Bool, hasOpenVPN: Bool = false, openVPNPort: UInt16? = nil
  ) {
    self.trial = trial
    self.inputChains = inputChains
    self.interface = interface
    self.tunnelPort = tunnelPort
    self.isReachable = isReachable
    self.hasOpenVPN = hasOpenVPN
    self.openVPNPort = openVPNPort
  }

  var findings: [Finding] {
    switch trial {
    case .unseen(let unseen): [Finding(.firewall, "nft", unseen)]
    case .seen(.missing):
      [
        Finding(
          .firewall, "nft", .error, "the command 'nft' is not in PATH",
          remedy: "Run 'apt install nftables', and have /usr/sbin in PATH.")
      ]
    case .seen(.refused(let reason)):
      [
        Finding(
          .firewall, "nft", .error, "our table would be refused: \(reason)",
          remedy:
            "Use a kernel with nf_tables and nftables 1.0 or newer; in a container, the host's kernel counts."
        )
      ] + others
    case .seen(.accepted): [Finding(.firewall, "nft", .ok, "nft and the kernel take our table")] + others
    }
  }

  /// Hints only: rules are not followed through jumps and sets.
  private var others: [Finding] {
    let id = "other-firewall"
    switch inputChains {
    case .unseen(let unseen): return [Finding(.firewall, id, unseen)]
    case .seen(let chains):
      let hints = chains.filter(\.dropsByDefault).compactMap { hint($0, id) }
      return hints.isEmpty ? [Finding(.firewall, id, .ok, "no other rules seem to drop the tunnel")] : hints
    }
  }

  private func hint(_ chain: InputChain, _ id: String) -> Finding? {
    let interfaces = hasOpenVPN ? "pbxlink*" : interface
    let namesInterfaces =
      !chain.words.isDisjoint(with: ["pbxlink*", "pbxlink+"])
      || (chain.words.contains(interface)
        && (!hasOpenVPN || chain.words.contains { $0.hasPrefix("pbxlink-") }))
    var missing: [(name: String, rule: String)] = []
    if !chain.words.contains("\(tunnelPort)") {
      missing.append(("UDP port \(tunnelPort)", "udp dport \(tunnelPort) accept"))
    }
    if let openVPNPort, !chain.words.contains("\(openVPNPort)") {
      missing.append(("TCP port \(openVPNPort)", "tcp dport \(openVPNPort) accept"))
    }
    if !namesInterfaces {
      let noun = hasOpenVPN ? "the interfaces" : "the interface"
      missing.append(("\(noun) \(interfaces)", "iifname \"\(interfaces)\" accept"))
    }
    guard !missing.isEmpty else { return nil }
    // Behind NAT our own handshakes open the way for answers; IAX2 inside the tunnel still has to come in.
    let severity = !namesInterfaces || isReachable || openVPNPort != nil ? Finding.Severity.warning : .notice
    return Finding(
      .firewall, id, severity,
      "\(chain.name) drops by default and its table does not name "
        + missing.map(\.name).joined(separator: " and "),
      remedy: "Let them in with that firewall's own tool; in nft's words: "
        + missing.map { "'\($0.rule)'" }.joined(separator: " and ") + ".")
  }
}
