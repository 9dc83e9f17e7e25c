// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Links by a relay")
struct RelayedLinkTests {
  private let offices = Offices()
  private let now = Offices.now

  /// A relay and two sites behind NAT that both reach it and not each other.
  private struct Three {
    var head: Agent
    var one: Agent
    var two: Agent
    var second = 0

    var moment: Duration { .seconds(second) }
    func name(_ agent: Agent) -> SiteName { agent.mesh.site }
  }

  private func three() throws -> Three {
    var head = try offices.head().agent
    var agents = [try offices.join("one", ["3XX"], to: &head), try offices.join("two", ["2XX"], to: &head)]
    _ = try head.grant(head.mesh.site, Grant(relay: true), at: now)
    agents.insert(head, at: 0)
    offices.exchange(&agents)
    for index in 1...2 { _ = try agents[0].handle(.heard(agents[index].mesh.site), at: now) }
    return Three(head: agents[0], one: agents[1], two: agents[2])
  }

  private let up = PathState(.up, since: .zero, roundTrip: .milliseconds(20))

  /// Lets one end ask the other to go by the relay, and both go if it agrees.
  private func carryOut(
    _ effects: [Effect], of agent: WritableKeyPath<Three, Agent>, _ three: inout Three
  ) throws {
    for case .askForRelay(let site, let relay) in effects {
      let peer: WritableKeyPath<Three, Agent> = agent == \.one ? \.two : \.one
      let (own, moment) = (three[keyPath: agent].mesh.site, three.moment)
      #expect(site == three[keyPath: peer].mesh.site)
      guard three[keyPath: peer].wouldTake(relay, to: own, at: now) else { continue }
      _ = try three[keyPath: peer].handle(.takeRelay(own, relay: relay, monotonic: moment), at: now)
      let moved = try three[keyPath: agent].handle(.takeRelay(site, relay: relay, monotonic: moment), at: now)
      #expect(moved.contains(.reconcile) && moved.journal == [.pathChanged])
    }
  }

  /// One second: both look at their paths and visit the relay.
  @discardableResult
  private func step(
    _ three: inout Three, relay: PathState.Condition = .up, direct: PathState? = nil,
    wireguard: [PathState.Condition] = [.down, .down], towardsRelay: [PathState.Condition] = [.up, .up],
    isAsteriskHeard: Bool = false
  ) throws -> (one: [Effect], two: [Effect]) {
    three.second += 1
    var effects: [[Effect]] = []
    for (index, (agent, peer)) in [(\Three.one, \Three.two), (\Three.two, \Three.one)].enumerated() {
      let other = three[keyPath: peer].mesh.site
      let linked = three[keyPath: agent].linkedSite(other, at: now)
      let path = linked.flatMap { three[keyPath: agent].relay(to: $0) } == nil ? TunnelPath.wireguard : .relay
      var state = PathState(path == .relay ? relay : wireguard[index], since: .zero)
      if isAsteriskHeard { state.asterisk.last = .zero }
      let leg = PathState(towardsRelay[index], since: .zero, roundTrip: .milliseconds(20))
      effects.append(
        try three[keyPath: agent].handle(
          .paths(
            [three.head.mesh.site: [.wireguard: leg], other: [path: state]],
            direct: direct.map { [other: $0] } ?? [:], monotonic: three.moment), at: now))
      for visit in three[keyPath: agent].relayVisits(monotonic: three.moment, at: now) {
        let answer = try three.head.exchange(
          notes: visit.notes, from: three[keyPath: agent].mesh.site, monotonic: three.moment)
        _ = try three[keyPath: agent].handle(.relayNotes(answer, monotonic: three.moment), at: now)
      }
    }
    return (effects[0], effects[1])
  }

  private func allowed(_ agent: Agent, at peer: Agent) throws -> Set<IPPrefix> {
    try #require(
      agent.desiredState(at: now).tunnel.peers.first { $0.publicKey == peer.keys.tunnel.publicKey }
    ).allowedIPs
  }

  private func host(_ agent: Agent, _ family: IPAddress.Family) throws -> IPPrefix {
    IPPrefix(host: try #require(agent.membership?.addresses.first { $0.family == family }))
  }

  @Test("both ends move each other's IPv4 address to the relay's key within four seconds")
  func linking() throws {
    var three = try three()
    for _ in 0..<4 { try step(&three) }
    for (agent, peer) in [(three.one, three.two), (three.two, three.one)] {
      let site = try #require(agent.linkedSite(peer.mesh.site, at: now))
      #expect(agent.relay(to: site) == three.head.mesh.site && agent.path(to: site) == .relay)
      #expect(try allowed(agent, at: three.head).isSuperset(of: [host(peer, .v4), host(three.head, .v4)]))
      #expect(try allowed(agent, at: peer) == [host(peer, .v6)])
      let own = try #require(
        agent.desiredState(at: now).tunnel.peers.first { $0.publicKey == peer.keys.tunnel.publicKey })
      #expect(own.keepalive == 5, "the direct way is looked for")
      #expect(agent.probedPaths(at: now).first { $0.site == peer.mesh.site }?.path == .relay)
    }
    #expect(try three.head.desiredState(at: now).tunnel.forwards)
    #expect(try three.head.desiredState(at: now).firewall.relayedIAX == [4569])
    #expect(try !three.one.desiredState(at: now).tunnel.forwards)
  }

  @Test("a poor direct way is left when both ends find it poor, and both reach the relay well")
  func poorDirectWay() throws {
    for (wireguard, legs, isLeft) in [
      ([.degraded, .degraded], [.up, .up], true), ([.degraded, .up], [.up, .up], false),
      ([.up, .degraded], [.up, .up], false), ([.degraded, .degraded], [.degraded, .up], false),
      ([.degraded, .degraded], [.up, .degraded], false), ([.down, .down], [.degraded, .degraded], true),
    ] as [([PathState.Condition], [PathState.Condition], Bool)] {
      var three = try three()
      for _ in 0..<8 {
        let effects = try step(&three, wireguard: wireguard, towardsRelay: legs)
        try carryOut(effects.one, of: \.one, &three)
        try carryOut(effects.two, of: \.two, &three)
      }
      for (agent, peer) in [(three.one, three.two), (three.two, three.one)] {
        let site = try #require(agent.linkedSite(peer.mesh.site, at: now))
        #expect((agent.relay(to: site) != nil) == isLeft, "\(wireguard) \(legs)")
      }
    }
  }

  @Test("a way by which Asterisk answers is not left when the agent there is silent, nor is a relay")
  func silentAgent() throws {
    var three = try three()
    try step(&three)
    for _ in 0..<20 { try step(&three, isAsteriskHeard: true) }
    let site = try #require(three.one.linkedSite(three.two.mesh.site, at: now))
    #expect(three.one.path(to: site) == .wireguard, "the notes of both are at the relay")
    for _ in 0..<4 { try step(&three) }
    #expect(three.one.relay(to: site) == three.head.mesh.site)
    for _ in 0..<20 { try step(&three, relay: .down, isAsteriskHeard: true) }
    #expect(three.one.relay(to: site) == three.head.mesh.site)
    for _ in 0..<20 { try step(&three, relay: .down) }
    #expect(three.one.relay(to: site) == nil)
  }

  @Test("before a poor direct way is left one end asks the other; when that fails each goes by itself")
  func askingForRelay() throws {
    var three = try three()
    var (asked, left) = ([Int](), [Int?](repeating: nil, count: 2))
    for second in 0..<14 {
      let effects = try step(&three, wireguard: [.degraded, .degraded])
      #expect(!effects.two.contains { if case .askForRelay = $0 { true } else { false } }, "one comes first")
      if effects.one.contains(.askForRelay(three.two.mesh.site, relay: three.head.mesh.site)) {
        asked.append(second)
      }
      for (index, effects) in [effects.one, effects.two].enumerated()
      where effects.journal == [.pathChanged] {
        left[index] = second
      }
    }
    #expect(asked.count == 2 && asked[1] - asked[0] == 5, "\(asked)")
    let leader = try #require(left[0])
    #expect(leader - asked[0] == 6 && left[1].map { abs($0 - leader) <= 2 } == true, "\(left)")
    #expect(!three.one.wouldTake(three.head.mesh.site, to: three.two.mesh.site, at: now), "it has it already")
  }

  @Test(
    "an end whose question was answered by a way that is silent since then knows that it was left for being poor"
  )
  func lostAnswer() throws {
    var three = try three()
    let (one, two, relay) = (three.one.mesh.site, three.two.mesh.site, three.head.mesh.site)
    for _ in 0..<14 {
      let effects = try step(&three, wireguard: [.degraded, .degraded]).one
      if effects.contains(.askForRelay(two, relay: relay)) { break }
    }
    _ = try three.two.handle(.takeRelay(one, relay: relay, monotonic: three.moment), at: now)
    let effects = try step(&three, wireguard: [.down, .down]).one
    let text = "link to 'two' moves to relay '\(relay)': calls by wireguard would sound poor"
    #expect(effects.contains(.journal(JournalEntry(.pathChanged, site: two, text))))
    let site = try #require(three.one.linkedSite(two, at: now))
    #expect(three.one.linkPaths(to: site, states: [:], figures: [:], openVPN: nil).hasLeftPoorPath)
    // So it is not tried again at once, though it is seen to work.
    let direct = PathState(.up, since: three.moment)
    for _ in 0..<60 {
      let effects = try step(&three, direct: direct)
      #expect(effects.one.isEmpty && three.one.relay(to: site) == relay)
    }
  }

  @Test("a site without the role keeps no notes, and one that refuses in its site file has no part in it")
  func refusal() throws {
    var three = try three()
    #expect(throws: AgentError.notARelay(three.one.mesh.site)) {
      try three.one.exchange(notes: [:], from: three.two.mesh.site, monotonic: .zero)
    }
    var configuration = three.two.configuration
    configuration.tunnel.paths = [.wireguard]
    _ = try three.two.handle(.configuration(configuration), at: now)
    for _ in 0..<10 { try step(&three) }
    let site = try #require(three.one.linkedSite(three.two.mesh.site, at: now))
    #expect(three.one.relay(to: site) == nil)
    configuration = three.head.configuration
    configuration.tunnel.paths = [.wireguard]
    _ = try three.head.handle(.configuration(configuration), at: now)
    #expect(!three.head.isRelay)
  }

  @Test("the peer is asked before a relay that works is left, and not more often than each five seconds")
  func goingDirect() throws {
    var three = try three()
    for _ in 0..<4 { try step(&three) }
    let direct = PathState(.up, since: .zero)
    var asked = 0
    for _ in 0..<60 {
      let effects = try step(&three, direct: direct).one
      asked += effects.count { if case .askForDirect = $0 { true } else { false } }
    }
    #expect((9...12).contains(asked), "after ten seconds, \(asked) times")
    let site = try #require(three.one.linkedSite(three.two.mesh.site, at: now))
    #expect(three.one.relay(to: site) != nil)
    let left = try three.one.handle(.leaveRelay(site.name, monotonic: three.moment), at: now)
    #expect(left.contains(.reconcile) && left.journal == [.pathChanged])
    #expect(three.one.path(to: site) == .wireguard)
    #expect(try allowed(three.one, at: three.two) == [host(three.two, .v4), host(three.two, .v6)])
    #expect(try three.one.handle(.leaveRelay(site.name, monotonic: three.moment), at: now).isEmpty)
  }

  @Test("a relay that loses its role carries nothing from that moment on")
  func roleLost() throws {
    var three = try three()
    for _ in 0..<4 { try step(&three) }
    _ = try three.head.grant(three.head.mesh.site, Grant(relay: false), at: now)
    var agents = [three.head, three.one, three.two]
    offices.exchange(&agents)
    #expect(try !agents[0].desiredState(at: now).tunnel.forwards)
    #expect(try agents[0].desiredState(at: now).firewall.relayedIAX.isEmpty)
    #expect(try allowed(agents[1], at: agents[0]) == [host(agents[0], .v4), host(agents[0], .v6)])
    #expect(try allowed(agents[1], at: agents[2]).contains(host(agents[2], .v4)))
  }

  @Test("notes hurry until a relay is found, or half a minute has gone by without one")
  func haste() throws {
    var three = try three()
    func interval(_ relay: PathState?) -> Duration {
      let states = [three.two.mesh.site: relay.map { [TunnelPath.relay: $0] } ?? [:]]
      return three.one.relayVisitInterval(states, monotonic: three.moment, at: now)
    }
    #expect(interval(nil) == .seconds(5), "nobody wants one")
    for _ in 0..<4 { try step(&three) }
    let down = PathState(.down, since: .zero)
    #expect(interval(up) == .seconds(5) && interval(down) <= .seconds(1))
    var configuration = three.head.configuration
    configuration.tunnel.paths = [.wireguard]
    _ = try three.head.handle(.configuration(configuration), at: now)
    three.second += 1
    _ = try three.one.handle(.paths([:], monotonic: three.moment), at: now)
    for (seconds, expected) in [(0, .milliseconds(200)), (3, .seconds(1)), (27, .seconds(5))]
      as [(Int, Duration)]
    {
      three.second += seconds
      #expect(interval(nil) == expected)
    }
  }

  @Test("an agent that starts again takes over the relay that the tunnel shows")
  func adoption() throws {
    var three = try three()
    for _ in 0..<4 { try step(&three) }
    var again = try offices.restarted(three.one)
    var tunnel = ObservedTunnel(interface: "pbxlink0", link: .up)
    for peer in try three.one.desiredState(at: now).tunnel.peers {
      tunnel.peers[peer.publicKey] = ObservedTunnel.Peer(allowedIPs: peer.allowedIPs)
    }
    again.adoptPaths(routed: [], tunnel: tunnel, monotonic: .zero, at: now)
    let site = try #require(again.linkedSite(three.two.mesh.site, at: now))
    #expect(again.relay(to: site) == three.head.mesh.site)
    #expect(try again.desiredState(at: now).tunnel == three.one.desiredState(at: now).tunnel)
  }
}
