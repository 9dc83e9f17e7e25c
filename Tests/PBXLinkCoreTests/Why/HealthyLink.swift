// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

/// A head office whose planes are all as wanted, for tests to spoil.
struct HealthyLink {
  let offices = Offices()
  let now = Offices.now
  var head: Agent
  let lyon: Agent

  init() throws {
    var configuration = try offices.configuration(extensions: ["6XX"], endpoints: ["203.0.113.5:51820"])
    configuration.openVPN.endpoints = [try #require(Endpoint("203.0.113.5:443"))]
    configuration.asterisk.localContext = "extensions"
    configuration.asterisk.phoneContexts = ["phones"]
    head = try offices.head(configuration: configuration).agent
    lyon = try offices.join("lyon", ["2XX"], to: &head)
    _ = try head.handle(.heard(lyon.mesh.site), at: now)
  }

  /// What a look shows when all was applied.
  func evidence() throws -> LinkEvidence {
    let desired = try head.desiredState(at: now)
    let absent = ObservedTunnel(interface: "pbxlink0", link: .missing)
    var tunnel = absent.applying(changes(from: nil, to: desired.tunnel, at: now))
    tunnel.peers[lyon.keys.tunnel.publicKey]?.endpoint = ResolvedEndpoint(
      try #require(IPAddress("198.51.100.20")), port: 40_001)
    tunnel.peers[lyon.keys.tunnel.publicKey]?.lastHandshake = now + -30
    tunnel.peers[lyon.keys.tunnel.publicKey]?.receivedBytes = 123_456
    tunnel.peers[lyon.keys.tunnel.publicKey]?.sentBytes = 654_321
    let openVPN = ObservedOpenVPN().applying(
      changes(from: ObservedOpenVPN(), to: desired.openVPN), to: desired.openVPN)
    let address = try #require(lyon.membership?.addresses.first)
    var evidence = LinkEvidence(
      tunnel: .seen(tunnel), openVPN: .seen(openVPN), route: .seen(.interface("pbxlink0")),
      firewall: .seen(ObservedFirewall(desired.firewall)),
      counters: FirewallCounters(
        named: [.outsideIAX: .init(packets: 7, bytes: 700), .stranger: .init(packets: 0, bytes: 0)],
        sources: [address: .init(packets: 1200, bytes: 90_000)]),
      trunk: .seen(try trunk(desired.trunk)), calls: .seen(1),
      paths: [
        .wireguard: PathState(.up, since: .zero, roundTrip: .milliseconds(12)),
        .openvpnTCP: PathState(.up, since: .zero, roundTrip: .milliseconds(15)),
      ])
    evidence.testCall = .seen(TestCall(.answered, after: .milliseconds(42), at: now))
    return evidence
  }

  private func trunk(_ configuration: TrunkConfiguration) throws -> ObservedTrunk {
    var trunk = try TrunkFixture.observed(configuration)
    trunk.version = AsteriskVersion("Asterisk 22.10.1~dfsg")
    trunk.openUDPPorts = [4569]
    let contexts = "[phones]\n[extensions]\n"
    trunk.findings[.extensions] = AsteriskConfigFindings(
      AsteriskConfigLine.lines(of: contexts, file: "extensions.conf"), for: .extensions)
    return trunk
  }

  func diagnosis(
    of name: String = "lyon", by agent: Agent? = nil, at now: Timestamp? = nil,
    _ spoil: (inout LinkEvidence) throws -> Void = { _ in }
  ) throws -> LinkDiagnosis {
    var evidence = try evidence()
    try spoil(&evidence)
    return try LinkDiagnosis(
      of: offices.site(name), by: agent ?? head, seeing: evidence, at: now ?? self.now)
  }
}

extension LinkEvidence {
  var seenTunnel: ObservedTunnel {
    get { (tunnel.value ?? nil) ?? ObservedTunnel(interface: "pbxlink0", link: .missing) }
    set { tunnel = .seen(newValue) }
  }

  var seenTrunk: ObservedTrunk {
    get { trunk.value ?? ObservedTrunk() }
    set { trunk = .seen(newValue) }
  }
}
