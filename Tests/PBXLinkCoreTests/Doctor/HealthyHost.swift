// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

@testable import PBXLinkCore

extension HostFacts {
  /// The time of the examinations.
  static let now = Timestamp(seconds: 1_790_000_000)

  /// A host with nothing wrong: no mesh yet, an agent, Asterisk 22.10.1 with IAX2.
  static func healthy() -> Self {
    var configuration = Configuration()
    configuration.asterisk.localContext = "local"
    configuration.asterisk.phoneContexts = ["phones"]
    var trunk = ObservedTrunk()
    trunk.isRunning = true
    trunk.hasIAX2 = true
    trunk.openUDPPorts = [4569]
    trunk.findings = [
      .extensions: findings("[local]\n[phones]\n", for: .extensions),
      .iax: findings("[general]\n", for: .iax),
      .manager: findings("[general]\nenabled=yes\nport=5038\n", for: .manager),
    ]
    return Self(
      agent: AgentFacts(state: .alone, plan: .seen(nil)),
      asterisk: AsteriskFacts(
        version: .seen(AsteriskVersion("Asterisk 22.10.1")), trunk: .seen(trunk), manager: .seen(.answers),
        openUsers: [], configuration: TrunkConfiguration(siteFile: configuration), port: 4569,
        tunnelAddresses: [],
        isMember: false, mayAsk: true),
      tunnel: TunnelFacts(
        wanted: .auto, chosen: nil, kernelHasWireGuard: .seen(true), hasWireGuardGo: false, hasTUN: false,
        mayAdministerNetwork: true, isRoot: true),
      firewall: FirewallFacts(
        trial: .seen(.accepted), inputChains: .seen([]), interface: "pbxlink0", tunnelPort: 51820,
        isReachable: false),
      clock: ClockFacts(highestTime: .seen(nil), isSynchronized: .seen(true)),
      ports: PortFacts(
        tunnelPort: 51820, exchangePort: 4570, tunnelPortIsOpen: .seen(false), ownTunnelPort: .seen(nil),
        exchangePortIsOpen: .seen(false), servesExchange: false, isAgentStopped: false),
      files: FileFacts(
        siteFile: "/etc/pbxlink/pbxlink.yaml", siteFileState: .good, entries: .seen([]), stateFault: nil))
  }

  static func findings(_ text: String, for file: TrunkFile) -> AsteriskConfigFindings {
    AsteriskConfigFindings(AsteriskConfigLine.lines(of: text, file: file.description), for: file)
  }

  /// Changes what was seen at Asterisk.
  mutating func changeTrunk(_ change: (inout ObservedTrunk) -> Void) {
    guard var trunk = asterisk.trunk.value else { return }
    change(&trunk)
    asterisk.trunk = .seen(trunk)
  }
}
