// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("A site restored from a backup")
struct RestoreTests {
  let offices = Offices()
  let now = Offices.now

  private func restored(_ backup: Agent) throws -> Agent {
    try Agent(
      mesh: backup.mesh, configuration: backup.configuration, keys: backup.keys,
      documents: backup.directory.allDocuments(), invitations: [], restoredFrom: now,
      cryptography: offices.cryptography)
  }

  private func serial(_ agent: Agent) -> UInt64? {
    agent.directory.descriptor(of: agent.identity)?.content.serial
  }

  /// Has an agent announce another call limit.
  private func change(_ agent: inout Agent, to limit: Int, at now: Timestamp) throws -> [Effect] {
    var configuration = agent.configuration
    configuration.trunk.callLimit = limit
    return try agent.handle(.configuration(configuration), at: now)
  }

  @Test("signs nothing until it has compared with a member, then goes on from its newest serial")
  func silence() throws {
    var head = try offices.head().agent
    var lyon = try offices.join("lyon", ["2XX"], to: &head)
    let backup = lyon
    for limit in [1, 2, 3] {
      let effects = try change(&lyon, to: limit, at: now + 60)
      _ = head.receive(effects.pushes.flatMap(\.documents), from: lyon.mesh.site, at: now + 60)
    }
    var agent = try restored(backup)
    #expect(try change(&agent, to: 7, at: now + 90).pushes.isEmpty)
    #expect(try agent.handle(.tick, at: now + Agent.descriptorLifetime).isEmpty)
    #expect(serial(agent) == serial(backup))
    #expect(try agent.desiredState(at: now).trunk.peers.count == 1, "links come up all the same")

    let newer = head.directory.documents(missingFrom: agent.directory.digest())
    _ = try agent.handle(.documents(newer, from: head.mesh.site), at: now + 100)
    #expect(
      try agent.handle(.tick, at: now + 100).isEmpty, "documents alone do not say that there is no newer")
    let effects = try agent.handle(.compared(with: head.mesh.site), at: now + 100)
    #expect(effects.journal == [.restoreEnded])
    #expect(agent.restoredFrom == nil)
    #expect(serial(agent) == 5)
    let heard = head.receive(effects.pushes.flatMap(\.documents), from: lyon.mesh.site, at: now + 100)
    #expect(heard.receipt.accepted == 1)
    #expect(!heard.effects.journal.contains(.siteForked))
    #expect(try agent.handle(.compared(with: head.mesh.site), at: now + 110).isEmpty)
  }

  @Test("never gives a serial twice, whenever the backup was made", arguments: 0..<50)
  func noFork(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var head = try offices.head().agent
    var lyon = try offices.join("lyon", ["2XX"], to: &head)
    let changes = Int.random(in: 1...6, using: &random)
    let moment = Int.random(in: 0..<changes, using: &random)
    var backup = lyon
    for change in 0..<changes {
      if change == moment { backup = lyon }
      let effects = try self.change(&lyon, to: 10 + change, at: now + Int64(change))
      _ = head.receive(effects.pushes.flatMap(\.documents), from: lyon.mesh.site, at: now + Int64(change))
    }
    var agent = try restored(backup)
    var kinds: [JournalEntry.Kind] = []
    for step in 0..<20 {
      let now = now + 1000 + Int64(step)
      var effects: [Effect]
      switch Int.random(in: 0..<4, using: &random) {
      case 0: effects = try change(&agent, to: Int.random(in: 1...99, using: &random), at: now)
      case 1:
        let newer = head.directory.documents(missingFrom: agent.directory.digest())
        effects = try agent.handle(.documents(newer, from: head.mesh.site), at: now)
        effects += try agent.handle(.compared(with: head.mesh.site), at: now)
      default: effects = try agent.handle(.tick, at: now)
      }
      kinds += effects.journal
      kinds +=
        head.receive(effects.pushes.flatMap(\.documents), from: lyon.mesh.site, at: now).effects.journal
    }
    #expect(!kinds.contains(.siteForked))
  }

  @Test("needs nobody's word where the mesh has no other member, or where the admin gives it")
  func alone() throws {
    var head = try restored(offices.head().agent)
    #expect(try head.handle(.tick, at: now).journal == [.restoreEnded])
    _ = try offices.join("lyon", ["2XX"], to: &head)
    var again = try restored(head)
    #expect(try again.handle(.tick, at: now).isEmpty)
    #expect(try again.handle(.serialsAccepted, at: now).journal == [.restoreEnded])
    #expect(try !change(&again, to: 3, at: now + 60).pushes.isEmpty)
  }

  @Test("does not invite or admit while it is silent, and removes all the same")
  func authority() throws {
    var head = try offices.head().agent
    let lyon = try offices.join("lyon", ["2XX"], to: &head)
    let nice = try offices.join("nice", ["3XX"], to: &head)
    let backup = head
    _ = try head.remove(nice.mesh.site, reason: "", at: now)

    var agent = try restored(backup)
    let refusal = AgentError.restored(verb: "add-site", backup: now)
    #expect(throws: refusal) { try offices.invite("oslo", [], to: &agent) }
    agent.restoredFrom = nil
    let invitation = try offices.invite("oslo", [], to: &agent).invitation
    agent.restoredFrom = now
    #expect(throws: AgentError.restored(verb: "Admitting a site", backup: now)) {
      try offices.redeem(invitation, as: "oslo", at: &agent)
    }
    var configuration = agent.configuration
    configuration.numbers.extensions += try offices.patterns(["8XX"])
    #expect(throws: AgentError.restored(verb: "A change of 'numbers: extensions:'", backup: now)) {
      try agent.handle(.configuration(configuration), at: now)
    }
    agent.configuration = backup.configuration

    // Both lists have serial 1.
    _ = try agent.remove(lyon.mesh.site, reason: "", at: now)
    var agents = [head, agent]
    offices.exchange(&agents)
    for agent in agents {
      #expect(agent.directory.revokedIdentities == [lyon.identity, nice.identity])
    }
    #expect(agents[0].directory == agents[1].directory)
  }

  /// Lyon's backup, and the head office that knows how far Lyon's rotations went after it.
  private func rotated(_ times: Int) throws -> (backup: Agent, head: Agent, last: Agent) {
    var head = try offices.head().agent
    var lyon = try offices.join("lyon", ["2XX"], to: &head)
    let backup = lyon
    for generation in 2..<UInt32(times + 2) {
      _ = try lyon.beginRotation(
        with: .fake("lyon", generations: [generation - 1, generation]), leavingBehind: true, at: now)
      _ = try lyon.handle(.applied(lyon.directory, trunkGenerations: [generation]), at: now)
      _ = try lyon.endRotation(
        with: .fake("lyon", tunnel: generation, generations: [generation - 1, generation]), at: now)
      lyon.keyGenerations.oldestTrunk = nil
    }
    _ = head.receive(lyon.directory.allDocuments(), from: lyon.mesh.site, at: now)
    return (backup, head, lyon)
  }

  @Test(
    "goes on with the key that came next, or with one that was never in use, and with a trunk key that it has",
    arguments: [0: nil, 1: 2, 2: 3, 3: 3] as [Int: UInt32?])
  func keys(rotations: Int, tunnel: UInt32?) throws {
    let (backup, head, last) = try rotated(rotations)
    var agent = try restored(backup)
    _ = agent.receive(head.directory.allDocuments(), from: nil, at: now)
    agent.keyTurn.isNext = rotations > 1
    guard let tunnel else {
      #expect(agent.generationsAfterRestore == nil)
      return
    }
    let generations = try #require(agent.generationsAfterRestore)
    #expect(generations.tunnel == tunnel && generations.trunk == UInt32(rotations) + 2)
    #expect(generations.acceptedTrunks.count == 1)
    let effects = agent.replaceKeys(
      with: try .fake("lyon", tunnel: tunnel, generations: [generations.trunk]), generations, at: now)
    #expect(effects.contains(.saveKeyGenerations) && effects.contains(.reconcile))
    _ = try agent.handle(.serialsAccepted, at: now)
    let descriptor = try #require(agent.directory.descriptor(of: agent.identity)?.content)
    #expect(descriptor.serial == (serial(last) ?? 0) + 1)
    #expect(descriptor.trunk.keys.map(\.generation) == [generations.trunk])
    let former = try (1..<tunnel).map { try TunnelKey.fake("lyon", generation: $0).publicKey }
    #expect(!former.contains(descriptor.wireguard.publicKey))
  }

  @Test("tries both tunnel keys in turn while no link is up, and stays with the one that works")
  func turns() throws {
    let (backup, head, _) = try rotated(1)
    var agent = try restored(backup)
    let keys = [agent.keys.tunnel.publicKey, agent.keys.nextTunnel.publicKey]
    var used: [PublicKey] = []
    for second in stride(from: Int64(0), to: 120, by: 10) {
      _ = try agent.handle(.tick, at: now + second)
      used.append(try agent.desiredTunnel(at: now + second).publicKey)
    }
    #expect(used == [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1].map { keys[$0] })
    _ = try agent.handle(.linksUp([head.mesh.site]), at: now + 120)
    _ = try agent.handle(.tick, at: now + 200)
    #expect(try agent.desiredTunnel(at: now + 200).publicKey == keys[1])
    // The others have moved to that key, whatever our newest descriptor says.
    #expect(agent.generationsAfterRestore?.tunnel == 2)
    agent.restoredFrom = nil
    _ = try agent.handle(.linksUp([]), at: now + 200)
    #expect(try agent.handle(.tick, at: now + 300).isEmpty)
  }
}
