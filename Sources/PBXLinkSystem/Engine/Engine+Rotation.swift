// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine {
  /// `rotate-keys`: begins a rotation; the rest follows from the peers' receipts.
  func rotateKeys(_ request: Control.RotateRequest) async throws -> Control.RotationAnswer {
    // Which links work must not be as old as the last look.
    await reconcile()
    try beginRotation(leavingBehind: request.leaveBehind)
    return try rotation()
  }

  func rotateOnSchedule() async {
    do {
      try beginRotation(leavingBehind: false)
    } catch {
      logger.warning("rotation of keys: \(error)")
    }
  }

  private func beginRotation(leavingBehind: Bool) throws {
    let agent = try member()
    var generations = agent.keyGenerations
    generations.rotation = generations.rotation ?? .init(trunk: generations.trunk + 1, begunAt: Self.clock())
    // On disk before anyone is told of it.
    let keys = try keyFiles.loadAgentKeys(generations)
    try step { agent, now in
      ((), try agent.beginRotation(with: keys, leavingBehind: leavingBehind, at: now))
    }
  }

  /// How far a rotation has come.
  func rotation() throws -> Control.RotationAnswer {
    let agent = try member()
    // Until the tunnel has its new key it is not over.
    let begun =
      agent.keyGenerations.rotation?.begunAt ?? (isHandingOver ? agent.keyGenerations.rotatedAt : nil)
    return Control.RotationAnswer(
      underWaySince: begun?.description,
      waitsFor: agent.sitesAwaitedByRotation(at: Self.clock()).map(\.description),
      rotatedAt: agent.keyGenerations.rotatedAt?.description,
      tunnelKey: agent.keys.tunnel.publicKey.wireGuardText,
      tunnelGeneration: agent.keyGenerations.tunnel, trunkGeneration: agent.keyGenerations.trunk)
  }

  /// Changes the tunnel key when every peer that is up has prepared for it. One that refuses is asked again with
  /// the next receipt or look.
  func handOverIfDue() async {
    guard !isHandingOver, !isDown, let agent, let peers = agent.peersForHandover(at: Self.clock()) else {
      return
    }
    isHandingOver = true
    defer { isHandingOver = false }
    let request = HandoverRequest(nextKey: agent.keys.nextTunnel.publicKey)
    let refusals = await withTaskGroup(of: String?.self) { group in
      for peer in peers {
        guard let client = client(of: peer, timeout: 3) else { continue }
        group.addTask {
          do {
            return try await client.handOver(request).wait.map { "'\(peer.name)': \($0)" }
          } catch {
            return "\(error)"
          }
        }
      }
      var refusals: [String] = []
      for await case let refusal? in group { refusals.append(refusal) }
      return refusals
    }
    guard refusals.isEmpty else {
      return logger.notice("the tunnel key does not change yet: \(refusals.joined(separator: "; "))")
    }
    do {
      try await endRotation()
    } catch {
      logger.error("rotation of keys: \(error)")
    }
  }

  private func endRotation() async throws {
    var generations = try member().keyGenerations
    guard let rotation = generations.rotation else { return }
    generations.oldestTrunk = generations.acceptedTrunks.lowerBound
    generations.tunnel += 1
    generations.trunk = rotation.trunk
    generations.rotation = nil
    let keys = try keyFiles.loadAgentKeys(generations)
    let now = Self.clock()
    var next = try member()
    let effects = try next.endRotation(with: keys, at: now)
    try commit(next, effects, at: now)
    // In turn: a run that began before would set the former key again. And before anyone hears of it.
    _ = await inTurn {
      await self.setTunnelKey()
      return await self.lastReport
    }
    _ = await carryOut(effects).value
  }

  /// What was recorded cannot be read with them any more.
  func removeOldKeys() {
    do {
      if let agent { try keyFiles.removeKeys(before: agent.keyGenerations) }
    } catch {
      logger.error("old keys: \(error)")
    }
  }

  private func setTunnelKey() async {
    do {
      try await applyTunnelChanges(where: \.setsKey)
    } catch {
      logger.error("tunnel key: \(error)")
    }
  }

  /// Moves addresses to the peers that should have them, after what is under way.
  func moveAddresses() async {
    _ = await inTurn {
      do {
        try await self.applyTunnelChanges(where: \.movesAddresses)
      } catch {
        self.logger.error("addresses: \(error)")
      }
      return await self.lastReport
    }
  }

  /// Makes some of the changes that the tunnel needs, and nothing else: in a handover each moment counts.
  private func applyTunnelChanges(where isDue: (TunnelChange) -> Bool) async throws {
    guard let agent, !isDown else { return }
    let now = Self.clock()
    let desired = try agent.desiredTunnel(at: now)
    let tunnel = try await openPlanes().tunnel
    let observed = try await tunnel.observe(interface: desired.interface)
    let due = changes(from: observed, to: desired, at: now).filter(isDue)
    if !due.isEmpty { try await tunnel.apply(due, to: desired) }
  }

  func exchangeHandover(
    _ request: HandoverRequest, from address: IPAddress
  ) async throws -> HandoverAnswer {
    let name = try heard(address)
    guard !isHandingOver else { return HandoverAnswer(wait: "it changes its own tunnel key") }
    guard try member().isReadyForHandover(of: name, to: request.nextKey, at: Self.clock()) else {
      return HandoverAnswer(wait: "it does not know the next tunnel key yet")
    }
    Task { await watchHandover() }
    return HandoverAnswer(wait: nil)
  }

  /// How long, and how often, a handshake with a peer's next key is looked for after it has announced one.
  private static let handoverWatch = (time: Duration.seconds(10), interval: Duration.milliseconds(50))

  /// Moves a peer's addresses to its next key as soon as that has made a handshake.
  private func watchHandover() async {
    handoverWatchEnd = .now + Self.handoverWatch.time
    guard !isWatchingHandover else { return }
    isWatchingHandover = true
    defer { isWatchingHandover = false }
    do {
      while ContinuousClock.now < handoverWatchEnd, !isDown {
        try await applyTunnelChanges(where: \.movesAddresses)
        try await Task.sleep(for: Self.handoverWatch.interval)
      }
    } catch {
      logger.error("handover: \(error)")
    }
  }
}

extension TunnelChange {
  /// Whether it sets our own key.
  var setsKey: Bool { if case .setKey = self { true } else { false } }

  /// Whether it moves addresses from one key of a peer to another.
  fileprivate var movesAddresses: Bool {
    if case .updatePeer(let update, let others) = self {
      update.allowedIPs != nil && !others.isEmpty
    } else {
      false
    }
  }
}
