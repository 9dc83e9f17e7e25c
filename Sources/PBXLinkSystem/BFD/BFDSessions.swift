// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Dispatch
internal import Glibc
public import PBXLinkCore

/// Runs the BFD sessions with routers outside the mesh (RFC 5881, RFC 5883), over IPv4.
public actor BFDSessions {
  /// A session that has come up, or was up and is no more.
  public struct Change: Sendable {
    /// With whom.
    public let neighbor: BFDNeighbor
    /// What became of it.
    public let session: BFDSession
  }

  /// The changes as they come.
  public nonisolated let changes: AsyncStream<Change>

  private let changed: AsyncStream<Change>.Continuation
  private let open: BFDPeer.Opener
  private let start = ContinuousClock.now
  private let executor = QueueExecutor("bfd")
  private var timer: DispatchTimer?
  private var peers: [BFDNeighbor: BFDPeer] = [:]
  private var receivers: [BFDNeighbor.Distance: DatagramSocket] = [:]
  private var failures: [BFDNeighbor.Distance: DatagramError] = [:]
  /// Datagrams handled in one go, so that no flood keeps the queue from sending.
  private static let batch = 64

  /// Nonisolated as every executor; sockets are read on its queue.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Without neighbors: no port is open.
  public init() {
    self.init { local, port throws(DatagramError) in
      // What routers mark their own protocols with (CS6, RFC 4594 §3.1).
      try DatagramSocket(interface: nil, local: local, port: port, dscp: 48)
    }
  }

  init(open: @escaping BFDPeer.Opener) {
    self.open = open
    (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(100))
  }

  private var now: Duration { ContinuousClock.now - start }

  /// Replaces the neighbors; sessions with those that stay go on.
  public func watch(_ neighbors: Set<BFDNeighbor>, _ timing: BFDSession.Timing) {
    for (neighbor, peer) in peers where !neighbors.contains(neighbor) {
      peer.takeLeave()
      peers[neighbor] = nil
    }
    for (neighbor, peer) in peers { update(neighbor) { _ in peer.session.set(timing) } }
    for neighbor in neighbors where peers[neighbor] == nil {
      peers[neighbor] = BFDPeer(
        neighbor, BFDNeighborSession(timing, discriminator: freeDiscriminator(), at: now), open: open)
    }
    for (distance, receiver) in receivers where !neighbors.contains(where: { $0.distance == distance }) {
      receiver.stop()
      receivers[distance] = nil
    }
    failures = failures.filter { failure in neighbors.contains { $0.distance == failure.key } }
    schedule()
  }

  /// What the sessions show, by address.
  public func statuses(at time: Timestamp) -> [NeighborStatus] {
    peers.sorted { $0.key.address < $1.key.address }.map { neighbor, peer in
      let age = (now - peer.session.since).components.seconds
      return NeighborStatus(neighbor, peer.session.session, since: time + -age)
    }
  }

  /// What keeps sessions from working, one sentence each.
  public var problems: [String] {
    (failures.values.map(\.description) + peers.values.compactMap { $0.failure?.description }).sorted().map {
      "BFD: \($0)"
    }
  }

  /// Runs the sessions until the task is cancelled; then the neighbors are told.
  public func run() async throws {
    let timer = DispatchTimer(executor.queue) { self.assumeIsolated { $0.tick() } }
    self.timer = timer
    schedule()
    defer {
      timer.cancel()
      self.timer = nil
      for peer in peers.values { peer.takeLeave() }
      for receiver in receivers.values { receiver.stop() }
      receivers = [:]
    }
    while true { try await Task.sleep(for: .seconds(3600)) }
  }

  private func freeDiscriminator() -> UInt32 {
    let taken = Set(peers.values.map(\.session.session.packet.myDiscriminator))
    while true {
      let discriminator = UInt32.random(in: 1...UInt32.max)
      if !taken.contains(discriminator) { return discriminator }
    }
  }

  /// Nothing to watch: no timer.
  private func schedule() { timer?.fire(after: peers.values.map(\.session.due).min().map { $0 - now }) }

  /// Sends what is due, after reading what has come.
  private func tick() {
    for distance in Set(peers.keys.map(\.distance)) {
      listen(distance)
      receive(distance)
    }
    for (neighbor, peer) in peers where peer.session.due <= now {
      update(neighbor) { now in
        if let packet = peer.session.tick(at: now, jitter: .random(in: 0...1)) { peer.send(packet) }
      }
    }
    schedule()
  }

  /// Opens the port, if it is not; one that another program has may be free the next time.
  private func listen(_ distance: BFDNeighbor.Distance) {
    guard receivers[distance] == nil else { return }
    do throws(DatagramError) {
      let receiver = try open(BFDPeer.anyAddress, distance.port)
      receiver.whenReadable(on: executor.queue) {
        self.assumeIsolated { listener in
          listener.receive(distance)
          listener.schedule()
        }
      }
      (receivers[distance], failures[distance]) = (receiver, nil)
    } catch {
      failures[distance] = error
    }
  }

  private func receive(_ distance: BFDNeighbor.Distance) {
    for _ in 0..<Self.batch {
      guard let datagram = receivers[distance]?.receive() else { return }
      guard distance.accepts(ttl: datagram.ttl), let address = datagram.source.address,
        let peer = peers[BFDNeighbor(address, distance)], let packet = BFDPacket(bytes: datagram.bytes)
      else { continue }
      update(peer.neighbor) { now in
        peer.learn(datagram.destination)
        if let answer = peer.session.receive(packet, at: now - datagram.age) { peer.send(answer) }
      }
    }
  }

  private func update(_ neighbor: BFDNeighbor, _ body: (Duration) -> Void) {
    guard let peer = peers[neighbor] else { return }
    let wasUp = peer.session.session.state == .up
    body(now)
    if wasUp != (peer.session.session.state == .up) {
      changed.yield(Change(neighbor: neighbor, session: peer.session.session))
    }
  }
}
