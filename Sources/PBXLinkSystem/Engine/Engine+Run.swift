// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Foundation
internal import Logging
internal import PBXLinkCore
internal import ServiceLifecycle

extension Engine {
  /// Seconds between two looks at the planes when nothing calls for one earlier.
  private static let lookInterval = 10
  /// Looks between two rounds of anti-entropy: a minute.
  private static let looksPerSync = 6

  /// Runs the agent until it is told to end. Links stay up when it ends.
  public func run() async throws {
    let control = ControlServer(
      socket: configuration.runtimeDirectory + "/control.sock", engine: self, logger: logger)
    try control.claim()
    try await withThrowingTaskGroup { group in
      group.addTask { try await control.run() }
      group.addTask { try await self.watchClock() }
      group.addTask { try await self.watchKernel() }
      group.addTask {
        for await _ in self.uninstalled.stream {}
        // The answer is on its way to the command; let it arrive.
        try await Task.sleep(for: .seconds(1))
      }
      if agent != nil {
        Task { await resolveNames() }
        await reconcile()
      }
      Notify.ready(
        status: agent.map { "site \($0.mesh.site) of mesh \($0.mesh.identity.name)" } ?? "in no mesh yet")
      try await group.next()
      group.cancelAll()
    }
  }

  private func watchClock() async throws {
    var look = 0
    while !Task.isCancelled {
      try await Task.sleep(for: .seconds(Self.lookInterval))
      Notify.alive()
      guard agent != nil, !isDown, !isJoining else { continue }
      do { try step { agent, now in ((), try agent.handle(.tick, at: now)) } } catch {
        logger.error("tick: \(error)")
      }
      await reconcile()
      // In the background: a resolver out of reach takes its time.
      if !isResolving { Task { await resolveNames() } }
      look += 1
      synchronizeLinks(all: look % Self.looksPerSync == 0)
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

  private func resolveNames() async {
    guard let agent else { return }
    isResolving = true
    defer { isResolving = false }
    var found = agent.resolvedNames
    for name in agent.endpointNames(at: Self.clock()) {
      if let addresses = try? await NameResolution.addresses(of: name), !addresses.isEmpty {
        found[name] = addresses
      }
    }
    let names = found
    do {
      try step { agent, now in ((), try agent.handle(.namesResolved(names), at: now)) }
    } catch {
      logger.error("names: \(error)")
    }
  }

  /// A link that has come up compares directories at once, the others every minute.
  private func synchronizeLinks(all: Bool) {
    guard let agent else { return }
    let now = Self.clock()
    let fresh = agent.linkedSites(at: now).filter { site in
      site.descriptor.flatMap { lastReport.tunnel?.peers[$0.wireguard.publicKey] }?.hasKeys(at: now) == true
    }
    let due = all ? fresh : fresh.filter { !freshPeers.contains($0.name) }
    freshPeers = Set(fresh.map(\.name))
    for site in due { Task { await synchronize(with: site) } }
  }
}
