// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Dispatch
public import PBXLinkCore

/// Probes every path to every peer with STAMP packets (RFC 8762), also the paths that are not in use, and
/// answers the probes of the peers.
public actor PathProbes {
  /// Yields when a path turns out to work or not to; what it is then stands in ``states``.
  public nonisolated let changes: AsyncStream<Void>

  /// Probes leave at so many moments of an interval, a few to each, so that they never come as a burst.
  static let slots = 50

  private let port: UInt16
  private let interval: Duration
  private let open: ProbeStation.Opener
  private let start = ContinuousClock.now
  private let executor = QueueExecutor("path-probes")
  private let changed: AsyncStream<Void>.Continuation
  private var probes: [ProbeTarget: Scheduled] = [:]
  private var targets: [ProbeStation.Place: [IPAddress: ProbeTarget]] = [:]
  private var stations: [ProbeStation.Place: ProbeStation] = [:]
  private var nextSlot = 0
  private var timer: (any DispatchSourceTimer)?

  private struct Scheduled {
    var probe: PathProbe
    var due: Duration
  }

  /// Nonisolated as every executor; sockets are read on its queue.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Probes to a port of the peers, which is ours too; each path gets one in an interval.
  public init(port: UInt16, interval: Duration = .milliseconds(500)) {
    self.init(port: port, interval: interval) { interface, local, port throws(ProbeError) in
      try ProbeSocket(interface: interface, local: local, port: port)
    }
  }

  init(port: UInt16, interval: Duration, open: @escaping ProbeStation.Opener) {
    self.port = port
    self.interval = interval
    self.open = open
    (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// The clock of the states: time since these probes were made, also while the host slept.
  public nonisolated var now: Duration { ContinuousClock.now - start }

  /// What is known of each path that is watched.
  public var states: [SiteName: [TunnelPath: PathState]] {
    probes.reduce(into: [:]) { $0[$1.key.site, default: [:]][$1.key.path] = $1.value.probe.state }
  }

  /// Why an interface cannot be probed, for those where that is so.
  public var failures: [String: ProbeError] {
    stations.reduce(into: [:]) { failures, station in
      if let failure = station.value.failure { failures[station.key.interface] = failure }
    }
  }

  /// Replaces the paths that are watched; those that stay keep what is known of them. The peers among them
  /// are the ones whose probes are answered, each on its own interface only.
  public func watch(_ targets: [ProbeTarget]) {
    let wanted = Set(targets)
    probes = probes.filter { wanted.contains($0.key) }
    for target in targets where probes[target] == nil {
      probes[target] = Scheduled(
        probe: PathProbe(interval: interval, at: now), due: firstMoment(ofSlot: nextSlot))
      // Steps of the golden ratio spread any number of paths evenly.
      nextSlot = (nextSlot + 31) % Self.slots
    }
    self.targets = wanted.reduce(into: [:]) { $0[$1.place, default: [:]][$1.peer] = $1 }
    for (place, station) in stations where self.targets[place] == nil {
      station.close()
      stations[place] = nil
    }
    for (place, targets) in self.targets {
      let station = stations[place] ?? ProbeStation(place, port: port, open: open)
      station.peers = Set(targets.keys)
      stations[place] = station
    }
    schedule()
  }

  /// Probes until the task is cancelled.
  public func run() async throws {
    let timer = DispatchSource.makeTimerSource(queue: executor.queue)
    timer.setEventHandler { self.assumeIsolated { $0.tick() } }
    self.timer = timer
    schedule()
    timer.activate()
    defer {
      timer.cancel()
      self.timer = nil
      for station in stations.values { station.close() }
    }
    while true { try await Task.sleep(for: .seconds(3600)) }
  }

  private func firstMoment(ofSlot slot: Int) -> Duration {
    let rounds = Int(now / interval)
    let moment = interval * rounds + interval / Self.slots * slot
    return moment > now ? moment : moment + interval
  }

  /// Nothing to watch: no timer.
  private func schedule() {
    guard let due = probes.values.lazy.map(\.due).min() else {
      timer?.schedule(deadline: .distantFuture)
      return
    }
    let wait = max(.zero, due - now).components
    timer?.schedule(
      deadline: .now() + .seconds(Int(wait.seconds)) + .nanoseconds(Int(wait.attoseconds / 1_000_000_000)),
      leeway: .milliseconds(1))
  }

  /// Sends what is due, after reading what has come.
  private func tick() {
    let due = probes.filter { $0.value.due <= now }.keys
    for place in Set(due.map(\.place)) {
      stations[place]?.refresh(
        on: executor.queue, answer: { self.assumeIsolated { $0.receive(at: place) } },
        probe: { self.assumeIsolated { $0.stations[place]?.reflect() } })
      receive(at: place)
    }
    for target in due {
      update(target) { probe in
        let packet = probe.send(at: now, timestamp: .now)
        stations[target.place]?.send(packet, to: target.peer)
      }
      // A moment that was missed is left out: a burst would tell nothing.
      let late = now - (probes[target]?.due ?? now)
      probes[target]?.due += interval * (Int(late / interval) + 1)
    }
    schedule()
  }

  private func receive(at place: ProbeStation.Place) {
    for (peer, answer) in stations[place]?.answers() ?? [] {
      guard let target = targets[place]?[peer] else { continue }
      update(target) { probe in probe.receive(answer, at: now) }
    }
  }

  private func update<Result>(_ target: ProbeTarget, _ body: (inout PathProbe) -> Result) {
    guard var probe = probes[target]?.probe else { return }
    let before = probe.state.condition
    _ = body(&probe)
    probes[target]?.probe = probe
    if probe.state.condition != before { changed.yield() }
  }
}

extension ProbeTarget {
  /// Where its probes leave.
  var place: ProbeStation.Place { ProbeStation.Place(interface: interface, local: local) }
}
