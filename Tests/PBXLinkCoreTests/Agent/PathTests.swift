// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Paths to other sites")
struct PathTests {
  private let offices = Offices()
  private let now = Offices.now

  /// A head office and a branch that know each other.
  private func pair(
    head openVPN: [String] = ["203.0.113.5:443"], branch: [String] = [],
    branchPaths: [TunnelPath] = TunnelPath.allCases, edit: (inout Configuration) -> Void = { _ in }
  ) throws -> (head: Agent, branch: Agent) {
    var configuration = try offices.configuration(extensions: ["6XX"], endpoints: ["203.0.113.5:51820"])
    configuration.openVPN.endpoints = try openVPN.map { try #require(Endpoint($0)) }
    edit(&configuration)
    var head = try offices.head(configuration: configuration).agent
    var other = try offices.configuration()
    other.openVPN.endpoints = try branch.map { try #require(Endpoint($0)) }
    other.openVPN.proxy = Endpoint("proxy.example.com:3128")
    other.tunnel.paths = branchPaths
    var agents = [try offices.join("branch", ["2XX"], to: &head, configuration: other)]
    agents.insert(head, at: 0)
    offices.exchange(&agents)
    // From its own address: its invitation is over.
    _ = try agents[0].handle(.heard(agents[1].mesh.site), at: now)
    return (agents[0], agents[1])
  }

  private func links(_ agent: Agent) throws -> [OpenVPNLink] { try agent.desiredState(at: now).openVPN.links }

  private func isListening(_ link: OpenVPNLink) -> Bool {
    if case .listen = link.role { true } else { false }
  }

  @Test(
    "a path that carries less than the interface has it from the routes, for IPv6 no less than that needs")
  func pathMTU() throws {
    var (head, branch) = try pair()
    let name = branch.mesh.site
    let addresses = try #require(branch.membership?.addresses)
    func probed(_ mtu: Int?) -> [SiteName: [TunnelPath: PathState]] {
      var state = PathState(.up, since: .zero)
      state.mtu = mtu
      return [name: [.wireguard: state]]
    }
    for (mtu, v4, v6, kinds) in [
      (nil, nil, nil, []), (1420, nil, nil, []), (1304, 1304, 1304, [.pathMTUChanged]),
      (1304, 1304, 1304, []),
      (nil, 1304, 1304, []), (1100, 1100, 1280, [.pathMTUChanged]), (1420, nil, nil, [.pathMTUChanged]),
    ] as [(Int?, Int?, Int?, [JournalEntry.Kind])] {
      let effects = try head.handle(.paths(probed(mtu), monotonic: .seconds(1)), at: now)
      #expect(effects.journal == kinds && effects.contains(.reconcile) == !kinds.isEmpty, "\(mtu ?? 0)")
      let found = try head.desiredState(at: now).tunnel.routeMTUs
      for address in addresses {
        #expect(found[IPPrefix(host: address)] == (address.family == .v4 ? v4 : v6), "\(mtu ?? 0)")
      }
    }
  }

  @Test("the site that can be called listens, the other one calls it, and both agree on key and certificates")
  func roles() throws {
    let (head, branch) = try pair()
    let (atHead, atBranch) = (try #require(try links(head).first), try #require(try links(branch).first))
    #expect(isListening(atHead))
    #expect(
      atBranch.role
        == .connect(
          to: [try #require(Endpoint("203.0.113.5:443"))], proxy: Endpoint("proxy.example.com:3128")))
    #expect(atHead.controlKey == atBranch.controlKey && atHead.controlKey.exposedBytes.count == 256)
    #expect(atHead.peerFingerprint == branch.keys.certificate)
    #expect(atBranch.peerFingerprint == head.keys.certificate)
    #expect(atHead.peerAddresses == branch.membership?.addresses)
    #expect(try head.desiredState(at: now).openVPN.sharedPort?.port == 443)
    #expect(try branch.desiredState(at: now).openVPN.sharedPort == nil)
  }

  @Test("an invitation brings a way in over TCP: a link, an address and a firewall entry that go with it")
  func invitation() throws {
    var configuration = try offices.configuration(extensions: ["6XX"], endpoints: ["203.0.113.5:51820"])
    configuration.openVPN.endpoints = [try #require(Endpoint("203.0.113.5:443"))]
    var head = try offices.head(configuration: configuration).agent
    let (invitation, pending, _) = try offices.invite("branch", ["2XX"], to: &head)
    let way = try #require(invitation.openvpn)
    let ours = try #require(try links(head).first)
    let theirs = try #require(
      try Agent.openVPN(
        redeeming: invitation, throwAwayKey: pending.tunnelKey, proxy: nil, using: offices.cryptography)
    ).links
    #expect(theirs.map(\.controlKey) == [ours.controlKey])
    #expect(theirs.map(\.peerFingerprint) == [head.keys.certificate])
    #expect(theirs.map(\.role) == [.connect(to: way.endpoints, proxy: nil)])
    #expect(isListening(ours) && ours.isInUse && ours.peerAddresses == [way.address])
    #expect(way.address != invitation.tunnel.address)
    let firewall = try head.desiredState(at: now).firewall
    #expect(Set(firewall.invited) == [way.address, invitation.tunnel.address])
    #expect(firewall.peerInterfaces.map(\.addresses) == [[way.address]])

    let request = JoinRequest(
      secret: Base64URL.encode(invitation.secret.exposedBytes),
      identity: try FakeSigner("branch").publicKey)
    _ = try head.redeem(request, from: way.address, at: now)
    _ = try head.handle(.heard(pending.site), at: now)
    #expect(try links(head).isEmpty)
  }

  @Test("an invitation of a site without OpenVPN has the tunnel alone")
  func invitationWithout() throws {
    var head = try offices.head().agent
    let (invitation, pending, _) = try offices.invite("branch", ["2XX"], to: &head)
    #expect(invitation.openvpn == nil && pending.throwAwayAddresses == [pending.tunnelAddress])
  }

  @Test("where both can be called exactly one listens")
  func bothOpen() throws {
    let (head, branch) = try pair(branch: ["198.51.100.9:443"])
    #expect(try isListening(#require(links(head).first)) != isListening(#require(links(branch).first)))
  }

  @Test("no OpenVPN where neither can be called or one does not want it")
  func none() throws {
    for (head, branch) in [try pair(head: []), try pair(branchPaths: [.wireguard])] {
      #expect(try links(head).isEmpty && links(branch).isEmpty)
      #expect(head.probedPaths(at: now).map(\.path) == [.wireguard] && !head.lacksPaths(at: now))
    }
  }

  @Test("a site without the path wireguard has no WireGuard peer for its members")
  func openVPNOnly() throws {
    let (_, branch) = try pair(branchPaths: [.openvpnTCP])
    let state = try branch.desiredState(at: now)
    #expect(state.tunnel.peers.isEmpty)
    #expect(state.openVPN.links.first?.isInUse == true)
    #expect(
      branch.probedPaths(at: now).map(\.path) == [.openvpnTCP], "its probes tell whether the link is up")
  }

  @Test("the firewall takes from the peer's interface the peer's addresses only")
  func firewall() throws {
    let (head, branch) = try pair()
    let (state, link) = (try head.desiredState(at: now), try #require(try links(head).first))
    #expect(
      state.firewall.peerInterfaces
        == [.init(name: link.interface, addresses: try #require(branch.membership).addresses)])
  }

  @Test("the link moves to OpenVPN when WireGuard does not answer, and back when it has for a while")
  func moving() throws {
    let (founder, branch) = try pair()
    var head = founder
    head.adoptPaths(routed: [], at: now)
    #expect(Set(head.probedPaths(at: now).map(\.path)) == [.wireguard, .openvpnTCP])
    #expect(try links(head).first?.isInUse == false)
    func show(_ wireguard: PathState.Condition, at second: Int, since start: Int) throws -> [Effect] {
      try head.handle(
        .paths(
          [
            branch.mesh.site: [
              .wireguard: PathState(wireguard, since: .seconds(start)),
              .openvpnTCP: PathState(.up, since: .zero),
            ]
          ], monotonic: .seconds(second)), at: now)
    }
    let moved = try show(.down, at: 10, since: 10)
    #expect(moved.contains(.reconcile) && moved.journal == [.pathChanged])
    #expect(try links(head).first?.isInUse == true)
    #expect(try show(.up, at: 39, since: 10).isEmpty)
    #expect(try show(.up, at: 40, since: 10).journal == [.pathChanged])
    #expect(try links(head).first?.isInUse == false)
  }

  @Test("an agent that starts again keeps the path that the routes show")
  func restart() throws {
    let (head, _) = try pair()
    let interface = try #require(try links(head).first).interface
    var again = try offices.restarted(head)
    #expect(again.lacksPaths(at: now))
    again.adoptPaths(routed: [interface], at: now)
    #expect(!again.lacksPaths(at: now))
    #expect(try links(again).first?.isInUse == true)
  }

  @Test(
    "the tunnels' MTU follows from the underlay's unless the site file has one",
    arguments: [
      (nil, nil, 1420), (nil, 1492, 1412), (nil, 1300, 1280), (nil, 9000, 8920), (1380, 1500, 1380),
    ])
  func mtu(configured: Int?, underlay: Int?, expected: Int) throws {
    var (head, _) = try pair { $0.tunnel.mtu = configured }
    if let underlay { #expect(try head.handle(.underlay(mtu: underlay), at: now) == [.reconcile]) }
    let state = try head.desiredState(at: now)
    #expect(state.tunnel.mtu == expected && state.openVPN.mtu == expected)
  }
}
