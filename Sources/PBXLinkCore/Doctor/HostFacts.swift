// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What was found on a host: all that `pbxlink doctor` judges.
public struct HostFacts: Sendable {
  /// The agent, and what it says.
  public var agent: AgentFacts
  /// Asterisk.
  public var asterisk: AsteriskFacts
  /// What the tunnel needs of the kernel.
  public var tunnel: TunnelFacts
  /// nftables, and others' rules.
  public var firewall: FirewallFacts
  /// The time.
  public var clock: ClockFacts
  /// The ports on which we listen.
  public var ports: PortFacts
  /// Owners and modes.
  public var files: FileFacts

  /// Facts by group.
  public init(
    agent: AgentFacts, asterisk: AsteriskFacts, tunnel: TunnelFacts, firewall: FirewallFacts,
    clock: ClockFacts,
    ports: PortFacts, files: FileFacts
  ) {
    self.agent = agent
    self.asterisk = asterisk
    self.tunnel = tunnel
    self.firewall = firewall
    self.clock = clock
    self.ports = ports
    self.files = files
  }

  /// The judgement.
  public func examination(at now: Timestamp) -> Examination {
    var findings =
      agent.findings + asterisk.findings + tunnel.findings + firewall.findings + clock.findings(at: now)
      + ports.findings + files.findings
    findings += agent.planFindings(besides: findings)
    return Examination(
      findings + agent.problemFindings(knowing: asterisk.warnings.map(\.description)), at: now)
  }
}
