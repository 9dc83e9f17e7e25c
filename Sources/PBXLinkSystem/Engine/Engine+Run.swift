// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Foundation
internal import Logging
internal import PBXLinkCore
internal import ServiceLifecycle

extension Engine {
  /// Seconds between two looks at the planes when nothing calls for one earlier.
  static let lookInterval = 10
  /// Looks between two rounds of anti-entropy: a minute.
  private static let looksPerSync = 6
  /// Looks between two look-ups of all names; those of silent links are looked up at once.
  private static let looksPerResolution = 30

  /// Runs the agent until it is told to end. Links stay up when it ends.
  public func run() async throws {
    let control = ControlServer(
      socket: configuration.runtimeDirectory + "/control.sock", engine: self, logger: logger)
    try control.claim()
    openHistory()
    try await withThrowingTaskGroup { group in
      group.addTask { try await control.run() }
      group.addTask { try await self.serveMonitoring() }
      await setHooks()
      group.addTask { try await self.webhook.run() }
      group.addTask { try await self.hookCommand.run() }
      group.addTask { try await self.watchClock() }
      group.addTask {
        // Beside the looks, since one may take longer than the service manager waits.
        while true {
          try await Task.sleep(for: .seconds(Self.lookInterval))
          await self.showLife()
        }
      }
      group.addTask { try await self.watchKernel() }
      group.addTask { try await self.watchSilence() }
      group.addTask { try await self.visitRelays() }
      group.addTask { try await self.placeTestCalls() }
      group.addTask { try await self.watchCalls() }
      let probes = PathProbes(
        port: self.configuration.probePort, timing: self.configuration.detection.timing)
      self.pathProbes = probes
      group.addTask { try await probes.run() }
      group.addTask {
        for await _ in probes.changes { await self.selectPaths() }
      }
      await watchNeighbors()
      group.addTask { try await self.bfd.run() }
      group.addTask {
        for await change in self.bfd.changes { await self.note(change) }
      }
      group.addTask {
        for await _ in self.uninstalled.stream {}
        // The answer is on its way to the command; let it arrive.
        try await Task.sleep(for: .seconds(1))
      }
      Notify.ready(status: lifeSign)
      if agent != nil {
        Task { await resolveNames() }
        await reconcile()
      }
      try await group.next()
      group.cancelAll()
    }
  }

  /// A look takes seconds at most, and all that it asks is given up after a while: after this time it will never end.
  private static let lookPatience = Duration.seconds(180)

  /// That the engine answers and that its looks end are the signs of life; without them the service manager starts it anew.
  private func showLife() {
    guard ContinuousClock.now - turned < Self.lookPatience else {
      return logger.critical("no look has ended for \(Self.lookPatience): the watchdog is not fed")
    }
    Notify.alive(status: lifeSign)
  }

  private var lifeSign: String {
    guard let agent else { return "in no mesh yet" }
    return "site \(agent.mesh.site) of mesh \(agent.mesh.identity.name)\(verdict.map { ": \($0)" } ?? "")"
  }

  private func watchClock() async throws {
    var look = 0
    while !Task.isCancelled {
      turned = .now
      try await Task.sleep(for: .seconds(Self.lookInterval))
      guard agent != nil, !isDown, !isJoining else { continue }
      do { try step { agent, now in ((), try agent.handle(.tick, at: now)) } } catch {
        logger.error("tick: \(error)")
      }
      await reconcile()
      await selectPaths()
      relaysWanted.continuation.yield()
      // In the background: a resolver out of reach takes its time.
      look += 1
      if !isResolving, look % Self.looksPerResolution == 0 { Task { await resolveNames() } }
      if look % Self.looksPerSync == 0 {
        rememberTime()
        await recordMinute()
        compareCalls()
        ProgramPages.release()
      }
      let (round, rest) = look.quotientAndRemainder(dividingBy: Self.looksPerSync)
      synchronizeLinks(round: rest == 0 ? round : nil)
      Heap.trim()
    }
  }

  /// Keeps the highest time seen, for a start after a power cut with a clock that has lost it.
  private func rememberTime() {
    let now = Self.clock()
    raiseHighestTime(to: now)
    do {
      try store.commit([try .setMeta(.highestTime, highestTime)], at: now)
      storeProblem = nil
    } catch {
      storeProblem = "nothing can be kept: \(error)"
      logger.error("the time could not be kept: \(error)")
    }
  }

  /// Something outside has touched links, addresses or routes: look at once, not at the next interval.
  /// However many events come during a look, one more look answers them all.
  private func watchKernel() async throws {
    let (looks, due) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let events = try KernelEvents.stream()
    let interface = configuration.tunnel.interface
    await withTaskGroup { group in
      group.addTask {
        for await event in events where event.concerns(interface: interface) { due.yield() }
        due.finish()
      }
      for await _ in looks where agent != nil && !isDown && !isJoining { await reconcile() }
      group.cancelAll()
    }
  }

  func resolveNames(of sites: Set<SiteName>? = nil) async {
    guard let agent else { return }
    isResolving = true
    defer { isResolving = false }
    let found = await withTaskGroup { group in
      for name in agent.endpointNames(of: sites, at: Self.clock()) {
        group.addTask { (name, (try? await NameResolution.addresses(of: name)) ?? []) }
      }
      // A name that cannot be looked up now keeps what it had.
      return await group.reduce(into: agent.resolvedNames) { if !$1.1.isEmpty { $0[$1.0] = $1.1 } }
    }
    do {
      try step { agent, now in ((), try agent.handle(.namesResolved(found), at: now)) }
    } catch {
      logger.error("names: \(error)")
    }
  }

  /// A link that has come up compares directories at once, the others every minute, in turn where they are many;
  /// all of them when a restored site waits for the first answer.
  private func synchronizeLinks(round: Int?) {
    guard let agent else { return }
    let now = Self.clock()
    var due = agent.linksUp.subtracting(freshPeers)
    freshPeers = agent.linksUp
    if agent.restoredFrom != nil { due = agent.linksUp }
    if let round { due.formUnion(agent.comparisonPartners(among: agent.linksUp, round: round)) }
    let sites = due.sorted().compactMap { agent.linkedSite($0, at: now) }
    Task { await handOverIfDue() }
    if !sites.isEmpty { Task { await synchronize(with: sites) } }
  }
}
