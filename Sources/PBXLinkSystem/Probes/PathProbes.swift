// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
public import PBXLinkCore

/// Probes every path to every peer with STAMP packets (RFC 8762), also the paths that are not in use, and
/// answers the probes of the peers.
public actor PathProbes {
  /// Yields when a path turns out to work or not to; what it is then stands in ``states``.
  public nonisolated let changes: AsyncStream<Void>

  /// The first probes of the paths leave at so many moments of an interval, so that they never come as a burst.
  static let slots = 50

  private let port: UInt16
  private var timing: BFDSession.Timing
  private let open: ProbeStation.Opener
  private let start = ContinuousClock.now
  /// By how much the last probes left later than they were due; the oldest is replaced first.
  public private(set) var lateness: [Duration] = []
  private var latenessIndex = 0
  private static let latenessLimit = 1000

  private let executor = QueueExecutor("path-probes")
  private let changed: AsyncStream<Void>.Continuation
  private var probes: [ProbeTarget: ScheduledProbe] = [:]
  private var peers: [ProbeStation.Place: [IPAddress: ScheduledProbe]] = [:]
  private var queue = ProbeQueue()
  private var stations: [ProbeStation.Place: ProbeStation] = [:]
  private var nextSlot = 0
  private var standards: [SiteName: CallStandard] = [:]
  private var timer: DispatchTimer?

  /// Nonisolated as every executor; sockets are read on its queue.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Probes to a port of the peers, which is ours too.
  public init(port: UInt16, timing: BFDSession.Timing) {
    self.init(port: port, timing: timing) { interface, local, port throws(DatagramError) in
      try DatagramSocket(interface: interface, local: local, port: port)
    }
  }

  init(port: UInt16, timing: BFDSession.Timing, open: @escaping ProbeStation.Opener) {
    self.port = port
    self.timing = timing
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

  /// What all probes have shown of each path that is watched.
  public var counters: [SiteName: [TunnelPath: ProbeCounters]] {
    probes.values.reduce(into: [:]) { $0[$1.target.site, default: [:]][$1.target.path] = $1.probe.counters }
  }

  /// Why an interface cannot be probed, for those where that is so.
  public var failures: [String: DatagramError] {
    stations.reduce(into: [:]) { failures, station in
      if let failure = station.value.failure { failures[station.key.interface] = failure }
    }
  }

  /// Replaces the paths that are watched; those that stay keep what is known of them. The peers among them
  /// are the ones whose probes are answered, each on its own interface only.
  /// - Parameters:
  ///   - unreachable: the sites that WireGuard knows no endpoint of. Once that path is down it is probed no more until
  ///     one is known, or something comes from there.
  ///   - mtu: that of the interfaces, in bytes, up to which the largest packet is looked for that a path of WireGuard's
  ///     carries; nil: it is not looked for.
  ///   - standards: what calls with the sites ask of a path; without one it never counts as degraded.
  public func watch(
    _ targets: [ProbeTarget], unreachable: Set<SiteName> = [], mtu: Int? = nil,
    standards: [SiteName: CallStandard] = [:]
  ) {
    self.standards = standards
    let wanted = Set(targets)
    probes = probes.filter { wanted.contains($0.key) }
    queue.keep { wanted.contains($0) }
    for target in targets where probes[target] == nil {
      let probe = PathProbe(
        timing, discriminator: .random(in: 1...UInt32.max), asksAsterisk: target.iaxPort != nil,
        first: firstMoment(ofSlot: nextSlot), at: now)
      let scheduled = ScheduledProbe(target, probe)
      probes[target] = scheduled
      queue.insert(scheduled)
      // Steps of the golden ratio spread any number of paths evenly.
      nextSlot = (nextSlot + 31) % Self.slots
    }
    // OpenVPN over TCP is a stream, which carries any.
    if let mtu {
      for scheduled in probes.values where scheduled.target.path != .openvpnTCP {
        scheduled.update { $0.searchMTU(upTo: mtu, at: now) }
      }
    }
    for scheduled in probes.values where scheduled.target.path == .wireguard {
      if unreachable.contains(scheduled.target.site) {
        scheduled.update { $0.loseEndpoint() }
      } else if !scheduled.probe.hasEndpoint {
        hurry(scheduled)
      }
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

  /// Asks for another detection time of all paths from now on.
  public func set(_ timing: BFDSession.Timing) {
    self.timing = timing
    for scheduled in probes.values { scheduled.update { $0.set(timing) } }
  }

  /// Probes until the task is cancelled.
  public func run() async throws {
    let timer = DispatchTimer(executor.queue, step: PathProbe.grain) { self.assumeIsolated { $0.tick() } }
    self.timer = timer
    schedule()
    defer {
      timer.cancel()
      self.timer = nil
      takeLeave()
      for station in stations.values { station.close() }
    }
    while true { try await Task.sleep(for: .seconds(3600)) }
  }

  /// The peers need not take our absence for a fault of the paths.
  private func takeLeave() {
    for scheduled in probes.values where scheduled.probe.state.isUp {
      let packet = scheduled.update { $0.lastProbe(at: now, timestamp: .now) }
      stations[scheduled.target.place]?.send(packet, to: scheduled.target.peer)
    }
  }

  private func firstMoment(ofSlot slot: Int) -> Duration {
    now + timing.transmit / Self.slots * slot
  }

  /// Nothing to watch: no timer.
  private func schedule() {
    let next = stations.values.compactMap(\.nextRead).reduce(queue.next) { min($0 ?? $1, $1) }
    timer?.fire(after: next.map { $0 - now })
  }

  /// Sends what is due, after reading what has come.
  private func tick() {
    let places = Set(queue.due(at: now).map(\.target.place))
    for place in places {
      stations[place]?.refresh(on: executor.queue) { self.assumeIsolated { $0.read(at: place) } }
    }
    for (place, station) in stations
    where places.contains(place) || station.nextRead.map({ $0 <= now }) ?? false {
      read(at: place)
    }
    // What has come may have put off some of them, and hurried others.
    for scheduled in queue.takeDue(at: now) {
      note(lateness: now - scheduled.due)
      update(scheduled) { probe in
        // Not from the kernel: that is a system call for each, and nobody gains by guessing it.
        if let packets = probe.tick(at: now, timestamp: .now, jitter: drand48()) {
          send(packets, to: scheduled.target)
        }
        if let standard = standards[scheduled.target.site] { probe.rate(by: standard, at: now) }
      }
      queue.insert(scheduled)
    }
    schedule()
  }

  private func note(lateness late: Duration) {
    if lateness.count < Self.latenessLimit {
      lateness.append(late)
    } else {
      lateness[latenessIndex] = late
      latenessIndex = (latenessIndex + 1) % Self.latenessLimit
    }
  }

  private func send(_ packets: PathProbe.Packets, to target: ProbeTarget) {
    stations[target.place]?.send(packets.probe, to: target.peer)
    if let padded = packets.padded { stations[target.place]?.send(padded: padded, to: target.peer) }
    if let poke = packets.poke, let port = target.iaxPort {
      stations[target.place]?.send(poke, to: target.peer, port: port)
    }
  }

  private func read(at place: ProbeStation.Place) {
    guard let station = stations[place] else { return }
    let former = station.nextRead
    station.read(at: now) { answer in
      guard let scheduled = peers[place]?[answer.peer] else { return }
      update(scheduled) { probe in
        switch answer.kind {
        case .padded(let reflection): probe.receive(padded: reflection, at: now - answer.age)
        case .agent(let reflection): probe.receive(reflection, at: now - answer.age)
        case .asterisk(let poke): probe.receive(poke, at: now - answer.age)
        }
      }
      requeue(scheduled)
    } reflect: { peer, probe, age in
      guard let scheduled = peers[place]?[peer] else { return nil }
      defer { requeue(scheduled) }
      return update(scheduled) { $0.receive(probe, at: now - age) }
    }
    if former == nil, station.nextRead != nil { schedule() }
  }

  /// Tells that something has come from some sites.
  public func hurry(_ sites: Set<SiteName>) {
    for scheduled in probes.values where sites.contains(scheduled.target.site) { hurry(scheduled) }
  }

  private func hurry(_ scheduled: ScheduledProbe) {
    scheduled.update { $0.hurry(at: now) }
    requeue(scheduled)
  }

  private func requeue(_ scheduled: ScheduledProbe) {
    if queue.hurry(scheduled) { schedule() }
  }

  @discardableResult
  private func update<Result>(_ scheduled: ScheduledProbe, _ body: (inout PathProbe) -> Result) -> Result {
    let before = (scheduled.probe.state.condition, scheduled.probe.state.mtu)
    defer { if (scheduled.probe.state.condition, scheduled.probe.state.mtu) != before { changed.yield() } }
    return scheduled.update(body)
  }
}

extension ProbeTarget {
  /// Where its probes leave.
  var place: ProbeStation.Place { ProbeStation.Place(interface: interface, local: local) }
}
