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
  /// Intervals after which a path that leads nowhere is looked at again.
  private static let rest = 1000

  private let port: UInt16
  private let interval: Duration
  private let open: ProbeStation.Opener
  private let start = ContinuousClock.now
  private let executor = QueueExecutor("path-probes")
  private let changed: AsyncStream<Void>.Continuation
  private var probes: [ProbeTarget: Scheduled] = [:]
  private var peers: [ProbeStation.Place: [IPAddress: Scheduled]] = [:]
  /// The probes by when they are due, the next one first.
  private var queue: [Scheduled] = []
  private var stations: [ProbeStation.Place: ProbeStation] = [:]
  private var nextSlot = 0
  /// The sites that WireGuard knows no endpoint of.
  private var unreachable: Set<SiteName> = []
  private var standards: [SiteName: CallStandard] = [:]
  private var timer: (any DispatchSourceTimer)?

  private final class Scheduled {
    let target: ProbeTarget
    var probe: PathProbe
    var due: Duration

    init(_ target: ProbeTarget, _ probe: PathProbe, due: Duration) {
      (self.target, self.probe, self.due) = (target, probe, due)
    }
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
    probes.values.reduce(into: [:]) { $0[$1.target.site, default: [:]][$1.target.path] = $1.probe.state }
  }

  /// What the last minute has shown of each path that is watched.
  public var figures: [SiteName: [TunnelPath: LinkFigures]] {
    probes.values.reduce(into: [:]) {
      $0[$1.target.site, default: [:]][$1.target.path] = $1.probe.figures(at: now)
    }
  }

  /// Why an interface cannot be probed, for those where that is so.
  public var failures: [String: ProbeError] {
    stations.reduce(into: [:]) { failures, station in
      if let failure = station.value.failure { failures[station.key.interface] = failure }
    }
  }

  /// Replaces the paths that are watched; those that stay keep what is known of them. The peers among them
  /// are the ones whose probes are answered, each on its own interface only.
  /// - Parameters:
  ///   - unreachable: the sites that WireGuard knows no endpoint of. Once that path is down it is probed no more until
  ///     one is known, or something comes from there.
  ///   - standards: what calls with the sites ask of a path; without one it never counts as degraded.
  public func watch(
    _ targets: [ProbeTarget], unreachable: Set<SiteName> = [], standards: [SiteName: CallStandard] = [:]
  ) {
    self.standards = standards
    let found = self.unreachable.subtracting(unreachable)
    self.unreachable = unreachable
    defer { hurry(found) }
    let wanted = Set(targets)
    probes = probes.filter { wanted.contains($0.key) }
    queue.removeAll { !wanted.contains($0.target) }
    for target in targets where probes[target] == nil {
      let probe = PathProbe(interval: interval, at: now)
      let scheduled = Scheduled(target, probe, due: firstMoment(ofSlot: nextSlot))
      probes[target] = scheduled
      enqueue(scheduled)
      // Steps of the golden ratio spread any number of paths evenly.
      nextSlot = (nextSlot + 31) % Self.slots
    }
    peers = probes.values.reduce(into: [:]) { $0[$1.target.place, default: [:]][$1.target.peer] = $1 }
    for (place, station) in stations where peers[place] == nil {
      station.close()
      stations[place] = nil
    }
    for (place, peers) in peers {
      let station = stations[place] ?? ProbeStation(place, port: port, open: open)
      station.peers = Set(peers.keys)
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

  /// Most are due after all others.
  private func enqueue(_ probe: Scheduled) {
    let index = queue.lastIndex { $0.due <= probe.due }.map { $0 + 1 } ?? 0
    queue.insert(probe, at: index)
  }

  /// Nothing to watch: no timer.
  private func schedule() {
    guard let due = queue.first?.due else {
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
    let moment = now
    let due = queue.prefix { $0.due <= moment }
    for place in Set(due.map(\.target.place)) {
      stations[place]?.refresh(
        on: executor.queue, answer: { self.assumeIsolated { $0.receive(at: place) } },
        probe: { self.assumeIsolated { $0.reflect(at: place) } })
      receive(at: place)
    }
    queue.removeFirst(due.count)
    for scheduled in due {
      // A moment that was missed is left out: a burst would tell nothing.
      let late = Int((now - scheduled.due) / interval)
      if leadsNowhere(scheduled) {
        scheduled.due += interval * (late + Self.rest)
      } else {
        update(scheduled) { probe in
          let packet = probe.send(at: now, timestamp: .now)
          stations[scheduled.target.place]?.send(packet, to: scheduled.target.peer)
          if let standard = standards[scheduled.target.site] { probe.rate(by: standard, at: now) }
        }
        scheduled.due += interval * (late + scheduled.probe.pause(at: now))
      }
      enqueue(scheduled)
    }
    schedule()
  }

  private func leadsNowhere(_ probe: Scheduled) -> Bool {
    probe.target.path == .wireguard && probe.probe.state.condition == .down
      && unreachable.contains(probe.target.site)
  }

  private func receive(at place: ProbeStation.Place) {
    for (peer, answer, age) in stations[place]?.answers() ?? [] {
      guard let scheduled = peers[place]?[peer] else { continue }
      hurry(scheduled)
      update(scheduled) { probe in probe.receive(answer, at: now - age) }
    }
  }

  private func reflect(at place: ProbeStation.Place) {
    for peer in stations[place]?.reflect() ?? [] {
      if let scheduled = peers[place]?[peer] { hurry(scheduled) }
    }
  }

  /// Tells that something has come from some sites.
  public func hurry(_ sites: Set<SiteName>) {
    for probe in probes.values where sites.contains(probe.target.site) { hurry(probe) }
  }

  /// Something has come by a path: one that was silent is probed as often as others again.
  private func hurry(_ probe: Scheduled) {
    unreachable.remove(probe.target.site)
    let excess = Int((probe.due - now) / interval)
    guard excess > 0 else { return }
    queue.removeAll { $0 === probe }
    probe.due -= interval * excess
    enqueue(probe)
    schedule()
  }

  private func update<Result>(_ scheduled: Scheduled, _ body: (inout PathProbe) -> Result) {
    let before = scheduled.probe.state.condition
    _ = body(&scheduled.probe)
    if scheduled.probe.state.condition != before { changed.yield() }
  }
}

extension ProbeTarget {
  /// Where its probes leave.
  var place: ProbeStation.Place { ProbeStation.Place(interface: interface, local: local) }
}
