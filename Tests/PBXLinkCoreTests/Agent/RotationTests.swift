// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Rotation of keys")
struct RotationTests {
  let offices = Offices()
  let now = Offices.now

  /// The head office and another one that both know each other's documents and have applied them.
  private func pair() throws -> (head: Agent, lyon: Agent) {
    var (head, _) = try offices.head()
    var lyon = try offices.join("lyon", ["3XX"], to: &head)
    settle(&head, &lyon)
    return (head, lyon)
  }

  /// What two agents tell each other when both apply what they know.
  private func settle(_ head: inout Agent, _ lyon: inout Agent) {
    for _ in 0..<2 {
      _ = lyon.receive(head.directory.allDocuments(), from: head.mesh.site, at: now)
      _ = head.receive(lyon.directory.allDocuments(), from: lyon.mesh.site, at: now)
      apply(&head)
      apply(&lyon)
      exchangeReceipts(&head, &lyon)
    }
    _ = try? head.handle(.linksUp([lyon.mesh.site]), at: now)
    _ = try? lyon.handle(.linksUp([head.mesh.site]), at: now)
  }

  private func apply(_ agent: inout Agent) {
    _ = try? agent.handle(
      .applied(agent.directory, trunkGenerations: agent.keys.trunk.map(\.generation)), at: now)
  }

  private func exchangeReceipts(_ one: inout Agent, _ other: inout Agent) {
    let (first, second) = (one.receipt(for: other.identity), other.receipt(for: one.identity))
    _ = try? other.handle(.receipt(first, from: one.mesh.site), at: now)
    _ = try? one.handle(.receipt(second, from: other.mesh.site), at: now)
  }

  private func begin(_ agent: inout Agent, leavingBehind: Bool = false) throws -> [Effect] {
    try agent.beginRotation(
      with: .fake("head", authority: "authority", generations: [1, 2]), leavingBehind: leavingBehind, at: now)
  }

  /// The credentials by which one calls the other are among those that the other accepts.
  private func canCall(_ caller: Agent, _ callee: Agent) throws -> Bool {
    let out = try #require(try caller.desiredState(at: now).trunk.peers.first).outbound
    return try #require(try callee.desiredState(at: now).trunk.peers.first).inbound.contains(out)
  }

  @Test("at every step each end accepts the calls that the other one places")
  func callsGoOn() throws {
    var (head, lyon) = try pair()
    func check(_ step: String) throws {
      let (there, back) = (try canCall(head, lyon), try canCall(lyon, head))
      #expect(there && back, "\(step)")
    }
    try check("before")
    #expect(try begin(&head).contains(.saveKeyGenerations))
    try check("begun")
    #expect(head.directory.descriptor(of: head.identity)?.content.trunk.keys.map(\.generation) == [1])
    apply(&head)
    let announced = try #require(head.directory.descriptor(of: head.identity))
    #expect(announced.content.trunk.keys.map(\.generation) == [1, 2])
    try check("announced")
    #expect(head.peersForHandover(at: now) == nil)
    _ = lyon.receive([announced.text], from: head.mesh.site, at: now)
    try check("heard of")
    #expect(!lyon.isReadyForHandover(of: head.mesh.site, to: try FakeSigner("x").publicKey, at: now))
    apply(&lyon)
    exchangeReceipts(&head, &lyon)
    try check("receipt")
    #expect(try head.desiredState(at: now).trunk.peers[0].outbound.userName == "plk_head.k2_1")
    #expect(head.peersForHandover(at: now)?.map(\.name) == [lyon.mesh.site])
    #expect(lyon.isReadyForHandover(of: head.mesh.site, to: head.keys.nextTunnel.publicKey, at: now))
    let next = head.keys.nextTunnel.publicKey
    let effects = try head.endRotation(
      with: .fake("head", authority: "authority", tunnel: 2, generations: [1, 2]), at: now)
    #expect(effects.contains(.saveKeyGenerations) && head.keys.tunnel.publicKey == next)
    try check("ended here")
    _ = lyon.receive(head.directory.allDocuments(), from: head.mesh.site, at: now)
    try check("ended there")
    let peer = try #require(try lyon.desiredState(at: now).tunnel.peers.first)
    #expect(peer.publicKey == next && peer.nextKey == head.keys.nextTunnel.publicKey)
    #expect(head.keyGenerations.rotation == nil && head.keyGenerations.rotatedAt == now)
    // A call that is just being set up may still show the old key, at either end.
    #expect(try head.desiredState(at: now).trunk.peers[0].inbound.count == 2)
    #expect(try lyon.desiredState(at: now).trunk.peers[0].inbound.count == 2)
    #expect(try head.handle(.tick, at: now + 59).isEmpty)
    #expect(try head.handle(.tick, at: now + 60).contains(.removeOldKeys))
    try check("old key gone here")
    _ = lyon.receive(head.directory.allDocuments(), from: head.mesh.site, at: now)
    try check("old key gone there")
    #expect(head.keys.trunk.map(\.generation) == [2])
    #expect(try lyon.desiredState(at: now).trunk.peers[0].inbound.count == 1)
  }

  @Test("a site that is down and may not know the next key stops a rotation, unless it is left behind")
  func leftBehind() throws {
    var (head, lyon) = try pair()
    // It is down, but has said that it knows.
    _ = try head.handle(.linksUp([]), at: now)
    #expect(head.sitesThatCannotFollow(at: now).isEmpty)
    let descriptor = try offices.descriptor(of: lyon) { $0.wireguard.nextPublicKey = nil }
    _ = head.receive([descriptor], from: nil, at: now)
    _ = try head.handle(.linksUp([lyon.mesh.site]), at: now)
    #expect(throws: AgentError.rotationLeavesBehind([lyon.mesh.site])) { try begin(&head) }
    #expect(head.keyGenerations.rotation == nil)
    _ = try begin(&head, leavingBehind: true)
    #expect(throws: AgentError.rotationUnderWay(since: now)) { try begin(&head) }
    apply(&head)
    #expect(head.sitesAwaitedByRotation(at: now).isEmpty && head.peersForHandover(at: now)?.isEmpty == true)
    lyon = head
  }

  @Test("a rotation goes on after a restart where it was")
  func restart() throws {
    var (head, lyon) = try pair()
    _ = try begin(&head)
    apply(&head)
    let again = try Agent(
      mesh: head.mesh, configuration: head.configuration, keys: head.keys,
      documents: head.directory.allDocuments(), keyGenerations: head.keyGenerations,
      invitations: [], cryptography: offices.cryptography)
    head = again
    // Nothing is known of the peers yet, so the key that they know for certain is used.
    _ = lyon.receive(head.directory.allDocuments(), from: head.mesh.site, at: now)
    #expect(try canCall(head, lyon) && canCall(lyon, head))
    settle(&head, &lyon)
    #expect(head.peersForHandover(at: now)?.count == 1)
  }

  @Test("the interval brings one, unless it would leave a site behind or the clock is in doubt")
  func schedule() throws {
    var (head, lyon) = try pair()
    let days = Int64(head.configuration.rotationDays)
    // The descriptor is renewed before, and the peer says that it has it.
    for moment in [now + (days - 1) * 86_400, now + days * 86_400] {
      _ = try head.handle(.tick, at: moment)
      settle(&head, &lyon)
    }
    #expect(try !head.handle(.tick, at: now + (days - 1) * 86_400).contains(.rotateKeys))
    let due = now + days * 86_400
    #expect(try !head.handle(.tick, at: due).contains(.rotateKeys), "nobody has told the time yet")
    _ = try head.handle(.clock(now, of: lyon.mesh.site), at: due)
    #expect(try !head.handle(.tick, at: due).contains(.rotateKeys), "by lyon's clock it is not time")
    _ = try head.handle(.clock(due + 60, of: lyon.mesh.site), at: due)
    #expect(try head.handle(.tick, at: due).contains(.rotateKeys))
    head.configuration.rotationDays = 0
    #expect(try !head.handle(.tick, at: now + days * 86_400).contains(.rotateKeys))
  }

  @Test("a next key that others use, or announce too, is nobody's")
  func stolenNextKey() throws {
    var (head, _) = try offices.head()
    let lyon = try offices.join("lyon", ["3XX"], to: &head)
    let nice = try offices.join("nice", ["4XX"], to: &head)
    let stolen = [
      lyon.keys.tunnel.publicKey, lyon.keys.nextTunnel.publicKey, head.keys.tunnel.publicKey,
      head.keys.nextTunnel.publicKey,
    ]
    for key in stolen {
      var victim = head
      let lie = try offices.descriptor(of: nice) { $0.wireguard.nextPublicKey = key }
      #expect(victim.receive([lie], from: nil, at: now).receipt.accepted == 1)
      let peers = try victim.desiredState(at: now).tunnel.peers
      let liar = try #require(peers.first { $0.publicKey == nice.keys.tunnel.publicKey })
      #expect(liar.nextKey == nil)
    }
  }
}
