// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Testing

@testable import PBXLinkCore

@Suite("Status")
struct StatusTests {
  let offices = Offices()
  let now = Offices.now

  private func golden(_ name: String, _ actual: String) throws {
    let text = actual.replacing(Version.current, with: "VERSION")
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Golden/Status/\(name)")
    if ProcessInfo.processInfo.environment["PBXLINK_RECORD"] == "1" {
      try Data(text.utf8).write(to: file)
      Issue.record("recorded \(file.path)")
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == text)
  }

  private func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
  }

  private func addresses(_ agent: Agent) -> Set<IPPrefix> {
    Set((agent.membership?.addresses ?? []).map(IPPrefix.init(host:)))
  }

  /// Packets get lost on the way here.
  private var poorLine: LinkFigures {
    var figures = LinkFigures()
    figures.answers = 96
    figures.roundTrip = (.milliseconds(38), .microseconds(41_250), .milliseconds(130))
    figures.roundTripLossRatio = 0.2
    figures.transmit.lossRatio = 0
    figures.transmit.jitter = .microseconds(1234)
    figures.receive.lossRatio = 0.2
    figures.receive.burstRatio = 1.5
    figures.receive.jitter = .milliseconds(12)
    (figures.duplicates, figures.reordered) = (1, 2)
    return figures
  }

  /// A head office whose links are each in another state.
  private func mesh() throws -> (agent: Agent, surroundings: StatusSnapshot.Surroundings) {
    var head = try offices.head().agent
    let lyon = try offices.join("lyon", ["2XX"], to: &head)
    let oslo = try offices.join("oslo", ["3XX", "40XX"], to: &head)
    _ = try offices.join("rome", ["5XX"], to: &head)
    let invitation = try offices.invite("turin", ["7XX"], to: &head).invitation
    _ = try offices.redeem(invitation, as: "turin", at: &head)
    _ = try offices.invite("wien", ["80X"], to: &head)
    var surroundings = StatusSnapshot.Surroundings(started: now + -3600)
    var tunnel = ObservedTunnel(interface: "pbxlink0", link: .up)
    tunnel.peers[lyon.keys.tunnel.publicKey] = .init(
      allowedIPs: addresses(lyon),
      endpoint: ResolvedEndpoint(try #require(IPAddress("198.51.100.10")), port: 40_001),
      lastHandshake: now + -30,
      receivedBytes: 123_456, sentBytes: 654_321)
    tunnel.peers[oslo.keys.tunnel.publicKey] = .init(
      allowedIPs: addresses(oslo),
      endpoint: ResolvedEndpoint(try #require(IPAddress("2001:db8::7")), port: 51_820),
      lastHandshake: now + -60)
    surroundings.tunnel = tunnel
    var trunk = ObservedTrunk()
    trunk.version = AsteriskVersion("Asterisk 22.10.1~dfsg")
    trunk.isRunning = true
    trunk.livePeers = [("plk_lyon", "OK (3 ms)"), ("plk_oslo", "UNREACHABLE")].map { name, status in
      LiveTrunkPeer(
        name: name, userName: "", address: "10.77.0.1", port: "4569", isEncrypted: true, status: status)
    }
    surroundings.trunk = trunk
    surroundings.calls = [lyon.mesh.site: 2]
    surroundings.paths = [
      lyon.mesh.site: [.wireguard: PathState(.up, since: .zero, roundTrip: .milliseconds(40))]
    ]
    surroundings.figures = [lyon.mesh.site: [.wireguard: poorLine]]
    surroundings.backend = ("kernel", "the kernel has the wireguard module")
    surroundings.neighbors = try routers()
    surroundings.linkStates = LinkStates(journal: [
      lyon.mesh.site: (.linkUp, now + -11_100), oslo.mesh.site: (.trunkDown, now + -42),
      try #require(SiteName("rome")): (.linkUp, now + -90),
    ])
    return (head, surroundings)
  }

  /// One that runs BFD with us, one that has it switched off, and one that is not there.
  private func routers() throws -> [NeighborStatus] {
    var packet = BFDPacket(
      state: .initializing, detectMultiplier: 3, myDiscriminator: 2, yourDiscriminator: 1,
      desiredMinTransmit: .milliseconds(300), requiredMinReceive: .milliseconds(50))
    return try [
      ("192.0.2.1", .singleHop, .initializing), ("192.0.2.2", .singleHop, .adminDown),
      ("10.9.0.1", .multihop, nil),
    ].map { (address: String, distance: BFDNeighbor.Distance, state: BFDPacket.State?) in
      var session = BFDSession(FailureDetection.fast.timing, discriminator: 1)
      if let state {
        packet.state = state
        packet.diagnostic = state == .adminDown ? .administrativelyDown : .none
        session.receive(packet, at: .zero)
      }
      return NeighborStatus(
        BFDNeighbor(try #require(IPAddress(address)), distance), session, since: now + -90)
    }
  }

  @Test("the screen is as recorded: a peer's rows, advice under what is not well")
  func table() throws {
    let (agent, surroundings) = try mesh()
    let snapshot = StatusSnapshot(of: agent, in: surroundings, at: now)
    try golden("mesh.txt", snapshot.table().joined(separator: "\n") + "\n")
    #expect(snapshot.table().allSatisfy { $0.count <= 80 }, "it fits a terminal of 80 columns")
  }

  @Test(
    "peers are sorted with what is worst first, by name where there is no difference",
    arguments: [
      (StatusSnapshot.Order.name, "lyon oslo rome turin wien"), (.state, "rome oslo lyon turin wien"),
      (.roundTrip, "lyon oslo rome turin wien"), (.mos, "lyon oslo rome turin wien"),
      (.calls, "lyon oslo rome turin wien"), (.loss, "lyon oslo rome turin wien"),
    ])
  func order(order: StatusSnapshot.Order, names: String) throws {
    let (agent, surroundings) = try mesh()
    let snapshot = StatusSnapshot(of: agent, in: surroundings, at: now)
    #expect(snapshot.sorted(by: order).map(\.name).joined(separator: " ") == names)
  }

  @Test("the metrics are as recorded in both formats: each peer has all series, NaN for what is unknown")
  func metrics() throws {
    let (agent, surroundings) = try mesh()
    var measured = Measurements()
    measured.timerLag = .microseconds(1500)
    measured.process = ProcessUsage(
      processorTime: .milliseconds(12_340), residentBytes: 50_000_000, virtualBytes: 400_000_000,
      openFiles: 40,
      openFilesLimit: nil, start: 1_700_000_000.25)
    var counters = ProbeCounters()
    (counters.sent, counters.received, counters.receiveLost, counters.reordered) = (120, 96, 20, 2)
    for milliseconds in [4, 5, 41, 130, 2500] { counters.roundTrips.add(.milliseconds(milliseconds)) }
    measured.probes[try #require(SiteName("lyon"))] = [.wireguard: counters]
    let status = StatusSnapshot(of: agent, in: surroundings, at: now)
    try golden("mesh.prom", text(.prometheus) { status.write(measured, to: &$0) })
    try golden("mesh.om", text(.openMetrics) { status.write(measured, to: &$0) })
  }

  @Test("no series of a site is left once it is removed, and none is there before it has joined")
  func removedSeries() throws {
    var (agent, surroundings) = try mesh()
    func peers(_ agent: Agent) -> Set<String> {
      let status = StatusSnapshot(of: agent, in: surroundings, at: now)
      let text = text(.prometheus) { status.write(to: &$0) }
      return Set(text.matches(of: /[{,]peer="([^"]*)"/).map { String($0.1) })
    }
    #expect(peers(agent) == ["lyon", "oslo", "rome", "turin"])
    _ = try agent.remove(try #require(SiteName("lyon")), reason: "sold", at: now)
    #expect(peers(agent) == ["oslo", "rome", "turin"])
  }

  @Test("an Asterisk that does not run has no version in the status, though the program tells one")
  func stoppedAsterisk() throws {
    let (agent, found) = try mesh()
    var surroundings = found
    surroundings.trunk?.isRunning = false
    let status = StatusSnapshot(of: agent, in: surroundings, at: now)
    #expect(surroundings.trunk?.version != nil && status.agent.asteriskVersion == nil)
    #expect(text(.prometheus) { status.write(to: &$0) }.contains("\npbxlink_asterisk_up 0\n"))
  }

  @Test("the JSON is as recorded: units in the names, null for what is unknown")
  func document() throws {
    let (agent, surroundings) = try mesh()
    try golden("mesh.json", try json(StatusSnapshot(of: agent, in: surroundings, at: now)))
  }

  @Test("a site of which nothing is known yet is shown as recorded")
  func bare() throws {
    let head = try offices.head().agent
    var surroundings = StatusSnapshot.Surroundings(started: now)
    surroundings.problems = ["trunk: Asterisk does not answer at 127.0.0.1:5038"]
    surroundings.isDown = true
    let snapshot = StatusSnapshot(of: head, in: surroundings, at: now)
    try golden("bare.txt", snapshot.table().joined(separator: "\n") + "\n")
    try golden("bare.json", try json(snapshot))
  }

  @Test("the JSON reads back")
  func reads() throws {
    let (agent, surroundings) = try mesh()
    let snapshot = StatusSnapshot(of: agent, in: surroundings, at: now)
    #expect(try JSONDecoder().decode(StatusSnapshot.self, from: Data(json(snapshot).utf8)) == snapshot)
  }

  @Test("a site that reaches nobody is told that it may have been removed, but not in its first ten minutes")
  func isolated() throws {
    var (agent, surroundings) = try mesh()
    func isTold() -> Bool {
      let problems = StatusSnapshot(of: agent, in: surroundings, at: now).agent.problems
      return problems.contains { $0.contains("was removed") }
    }
    #expect(!isTold())
    surroundings.tunnel?.peers = [:]
    #expect(isTold())
    surroundings.started = now + -599
    #expect(!isTold())
    surroundings.started = now + -3600
    surroundings.isDown = true
    #expect(!isTold())
    surroundings.isDown = false
    agent = try offices.head().agent
    #expect(!isTold())
  }

  @Test("no secret is in any form of it")
  func secrets() throws {
    let (agent, surroundings) = try mesh()
    let snapshot = StatusSnapshot(of: agent, in: surroundings, at: now)
    let texts = [try json(snapshot), snapshot.table().joined(), "\(snapshot)"]
    let trunks = try agent.desiredState(at: now).trunk.peers
    let secrets = [agent.keys.tunnel.privateKey, agent.keys.manager] + trunks.map(\.outbound.secret)
    for secret in secrets {
      for form in [secret.exposedHex, Base64URL.encode(secret.exposedBytes)] {
        #expect(texts.allSatisfy { !$0.contains(form) })
      }
    }
  }

  @Test(
    "a link is up only when tunnel and trunk answer; old keys are down whatever Asterisk says",
    arguments: [
      (-30, "OK (3 ms)", PeerStatus.State.up), (-180, "LAGGED (2100 ms)", .trunkDown),
      (-30, "UNREACHABLE", .trunkDown),
      (-30, "UNKNOWN", .trunkDown), (-30, "Unmonitored", .trunkDown), (-30, nil, .trunkDown),
      (-181, "OK (3 ms)", .down), (nil, "OK (3 ms)", .down), (nil, nil, .down),
    ] as [(Int64?, String?, PeerStatus.State)])
  func states(handshake: Int64?, qualify: String?, state: PeerStatus.State) throws {
    var head = try offices.head().agent
    let lyon = try offices.join("lyon", ["2XX"], to: &head)
    let site = try #require(head.linkedSites(at: now).first)
    func status(isDisabled: Bool, canBeReached: Bool = true) -> PeerStatus {
      PeerStatus(
        site, isDisabled: isDisabled,
        tunnel: .init(allowedIPs: addresses(lyon), lastHandshake: handshake.map { now + $0 }),
        trunk: qualify.map(QualifyStatus.init), calls: 0, callLimit: 4, canBeReached: canBeReached, at: now)
    }
    #expect(status(isDisabled: false).state == state)
    #expect((status(isDisabled: false).advice == nil) == (state == .up), "what is not well comes with advice")
    #expect(status(isDisabled: true).state == .disabled)
    if state == .down {
      #expect(lyon.configuration.tunnel.endpoints == [])
      #expect(status(isDisabled: false, canBeReached: false).advice?.hasPrefix("Neither side") == true)
    }
  }

  @Test("a link is not up by a key that has not the site's addresses, nor by a handshake of our former key")
  func formerKeys() throws {
    var head = try offices.head().agent
    let lyon = try offices.join("lyon", ["2XX"], to: &head)
    let site = try #require(head.linkedSites(at: now).first)
    let key = lyon.keys.tunnel.publicKey
    var tunnel = ObservedTunnel(interface: "pbxlink0", link: .up)
    tunnel.peers[key] = .init(allowedIPs: addresses(lyon), lastHandshake: now + -5)
    func state(_ tunnel: ObservedTunnel) -> PeerStatus.State {
      PeerStatus(
        site, isDisabled: false, tunnel: tunnel.peers[key], trunk: QualifyStatus("OK (3 ms)"), calls: 0,
        callLimit: 4, canBeReached: true, at: now
      ).state
    }
    #expect(state(tunnel) == .up)
    var withoutAddresses = tunnel
    withoutAddresses.peers[key]?.allowedIPs = []
    #expect(state(withoutAddresses) == .down)
    let before = tunnel.peers
    tunnel.markFormerKey(since: before)
    #expect(state(tunnel) == .down)
    // Another one within the same second.
    tunnel.peers[key] = .init(
      allowedIPs: addresses(lyon), lastHandshake: now + -5, handshakeNanoseconds: 1)
    tunnel.markFormerKey(since: before)
    #expect(state(tunnel) == .up)
  }

  @Test(
    "a link that works says which of its paths does not",
    arguments: [
      (
        TunnelPath.wireguard, TunnelPath.openvpnTCP,
        "Calls go by openvpn-tcp, since wireguard does not answer"
      ),
      (.openvpnTCP, .wireguard, "openvpn-tcp does not answer (connection refused) and could not take over"),
      (.wireguard, .wireguard, "Probes by wireguard, which calls go by, get no answer: check that its agent"),
    ])
  func paths(failed: TunnelPath, inUse: TunnelPath, advice: String) throws {
    var head = try offices.head().agent
    let lyon = try offices.join("lyon", ["2XX"], to: &head)
    let site = try #require(head.linkedSites(at: now).first)
    var down = PathState(.down, since: .zero)
    (down.asterisk.last, down.asterisk.roundTrip) = (.seconds(1), .milliseconds(2))
    let status = PeerStatus(
      site, isDisabled: false,
      tunnel: .init(
        allowedIPs: addresses(lyon), lastHandshake: inUse == .wireguard ? now : nil, receivedBytes: 100,
        sentBytes: 10),
      paths: LinkPaths(
        offered: [.wireguard, .openvpnTCP], inUse: inUse,
        states: [
          inUse: PathState(.up, since: .zero, roundTrip: .milliseconds(3))
        ].merging([failed: down]) { $1 },
        openVPN: .init(state: "CONNECTED", since: now, receivedBytes: 1, sentBytes: 2),
        openVPNProblem: "connection refused"),
      trunk: QualifyStatus("OK (3 ms)"), calls: 0, callLimit: 4, canBeReached: true, at: now)
    #expect(status.state == .up)
    #expect(status.advice?.hasPrefix(advice) == true)
    guard failed != inUse else { return }
    #expect(status.paths.map(\.state) == (failed == .wireguard ? [.down, .up] : [.up, .down]))
    #expect(status.paths.first { $0.inUse }?.roundTrip == 0.003)
    #expect(status.received == 101 && status.sent == 12, "those of both paths")
  }

  @Test(
    "a link is down as soon as its path is and Asterisk there does not answer; the advice names the direction"
  )
  func pathDown() throws {
    var head = try offices.head().agent
    let lyon = try offices.join("lyon", ["2XX"], to: &head)
    let site = try #require(head.linkedSites(at: now).first)
    func status(_ change: (inout PathState) -> Void) -> PeerStatus {
      var path = PathState(.down, since: .seconds(10))
      path.asterisk.last = .seconds(9)
      change(&path)
      return PeerStatus(
        site, isDisabled: false, tunnel: .init(allowedIPs: addresses(lyon), lastHandshake: now),
        paths: LinkPaths(states: [.wireguard: path]), trunk: QualifyStatus("OK (3 ms)"), calls: 0,
        callLimit: 4, canBeReached: true, at: now)
    }
    #expect(status { _ in }.state == .down)
    #expect(status { $0.isHeard = true }.advice?.hasPrefix("Its packets come here and ours do not") == true)
    #expect(status { $0.asterisk.last = .seconds(11) }.state == .up)
    #expect(status { $0.condition = .unknown }.state == .up, "its agent is started again")
    #expect(status { $0.condition = .up }.state == .up)
    let silent = status { ($0.condition, $0.asterisk.isSilent) = (.up, true) }
    let full = PeerStatus(
      site, isDisabled: false, tunnel: .init(allowedIPs: addresses(lyon), lastHandshake: now),
      trunk: QualifyStatus("OK (3 ms)"), calls: 4, callLimit: 4, canBeReached: true, at: now)
    #expect(full.state == .full && full.advice?.contains("call_limit") == true)
    let refusing = PeerStatus(
      site, isDisabled: false, tunnel: .init(allowedIPs: addresses(lyon), lastHandshake: now),
      trunk: QualifyStatus("OK (3 ms)"), areCallsRefused: true, calls: 4, callLimit: 4, canBeReached: true,
      at: now)
    #expect(refusing.state == .callsRefused && refusing.advice?.contains("doctor") == true)
    #expect(
      silent.state == .trunkDown && silent.advice?.hasPrefix("Asterisk over there does not answer") == true)
  }

  @Test(
    "a link on which calls sound poor is degraded, and one that has left a poor way for a relay says so",
    arguments: [
      (.wireguard, [.wireguard: .degraded], .degraded, [.degraded, .unknown], "Calls have sounded poor"),
      (.relay, [.relay: .up, .wireguard: .up], .up, [.degraded, .up], "Calls go by a relay"),
      (.relay, [.relay: .up, .wireguard: .down], .up, [.down, .up], "Calls go by a relay"),
    ]
      as [(
        TunnelPath, [TunnelPath: PathState.Condition], PeerStatus.State, [PathState.Condition], String
      )])
  func degraded(
    inUse: TunnelPath, states: [TunnelPath: PathState.Condition], state: PeerStatus.State,
    shown: [PathState.Condition], advice: String
  ) throws {
    var head = try offices.head().agent
    let lyon = try offices.join("lyon", ["2XX"], to: &head)
    let status = PeerStatus(
      try #require(head.linkedSites(at: now).first), isDisabled: false,
      tunnel: .init(allowedIPs: addresses(lyon), lastHandshake: now),
      paths: LinkPaths(
        offered: [.wireguard, .relay], inUse: inUse, relay: inUse == .relay ? SiteName("paris") : nil,
        states: states.mapValues { PathState($0, since: .zero) }, hasLeftPoorPath: inUse == .relay),
      trunk: QualifyStatus("OK (3 ms)"), calls: 0, callLimit: 4, canBeReached: true, at: now)
    #expect(status.state == state && status.advice?.hasPrefix(advice) == true, "\(status)")
    #expect(status.advice?.contains("sounded poor") == true)
    #expect(status.paths.map(\.state) == shown)
  }

  @Test("a site in conflict says with whom")
  func conflict() throws {
    let mesh = try SampleMesh()
    var directory = Directory(mesh: mesh.identity)
    for (name, start) in [("lyon", 0), ("oslo", 60)] as [(String, Int64)] {
      let membership = try mesh.membership(name, number: 2, notBefore: now + start)
      _ = try directory.merge(mesh.sign(mesh.descriptor(of: membership), by: name), using: mesh.cryptography)
    }
    let statuses = directory.sites(at: now).map { site in
      PeerStatus(
        site, isDisabled: false,
        tunnel: .init(
          allowedIPs: Set(site.membership.addresses.map(IPPrefix.init(host:))), lastHandshake: now),
        trunk: QualifyStatus("OK (1 ms)"), calls: 0, callLimit: 4, canBeReached: true, at: now)
    }
    #expect(statuses.map(\.state) == [.up, .conflict])
    #expect(statuses[1].advice?.contains("'lyon'") == true)
  }

  @Test(
    "the round trip is read from Asterisk's words",
    arguments: [
      ("OK (3 ms)", 0.003), ("LAGGED (2100 ms)", 2.1), ("UNREACHABLE", nil), ("OK", nil), ("", nil),
    ] as [(String, Double?)])
  func roundTrip(text: String, seconds: Double?) {
    #expect(QualifyStatus(text).roundTrip == seconds)
  }
}
