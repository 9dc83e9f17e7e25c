// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A router outside the mesh that speaks BFD itself, with FRR or BIRD for example.
public struct BFDNeighbor: Hashable, Sendable {
  /// How far away it is.
  public enum Distance: Hashable, Sendable {
    /// On a link of ours (RFC 5881).
    case singleHop
    /// Behind other routers (RFC 5883).
    case multihop

    /// The UDP port of either end (RFC 5881 §4, RFC 5883 §5).
    public var port: UInt16 { self == .singleHop ? 3784 : 4784 }

    /// Whether a packet with this TTL may be a neighbor's. A single hop takes nothing off it, and only a host on the link
    /// can send such a one (RFC 5881 §5, RFC 5082); from further away any may come.
    public func accepts(ttl: UInt8) -> Bool { self == .multihop || ttl == 255 }
  }

  /// Its address.
  public let address: IPAddress
  /// How far away it is.
  public let distance: Distance

  /// A neighbor.
  public init(_ address: IPAddress, _ distance: Distance) {
    self.address = address
    self.distance = distance
  }
}

/// The BFD session with a neighbor: what is sent when, what comes, and what follows. It takes the active role (RFC 5880
/// §6.1). Whoever runs it calls ``tick(at:jitter:)`` when it is ``due``, after taking in what has come.
public struct BFDNeighborSession: Hashable, Sendable {
  /// The state machine.
  public private(set) var session: BFDSession
  /// Since when the session is in its state.
  public private(set) var since: Duration
  private var nextPacket: Duration

  /// While the neighbor wants no packets, it is looked again so often whether it does.
  private static let rest = Duration.seconds(1)

  /// A session that is down. `discriminator` is ours alone on this host, and not 0.
  public init(_ timing: BFDSession.Timing, discriminator: UInt32, at now: Duration) {
    session = BFDSession(timing, discriminator: discriminator)
    since = now
    nextPacket = now
  }

  /// When to call next.
  public var due: Duration { min(nextPacket, session.deadline ?? nextPacket) }

  /// Judges the silence so far, and gives the next packet if it is time for one.
  /// - Parameter jitter: by chance from 0 to 1; it makes the time to the next packet up to a quarter shorter (RFC 5880
  ///   §6.8.7).
  public mutating func tick(at now: Duration, jitter: Double) -> BFDPacket? {
    let late = max(.zero, now - due)
    change(at: now) { $0.pass(to: now, late: late) }
    guard now >= nextPacket else { return nil }
    let interval = session.transmitInterval
    nextPacket = now + BFDSession.shortened(interval ?? Self.rest, by: jitter)
    return interval == nil ? nil : session.packet
  }

  /// Takes a packet of the neighbor's in, and returns what answers it at once: nothing but a poll is.
  public mutating func receive(_ packet: BFDPacket, at now: Duration) -> BFDPacket? {
    let former = session.transmitInterval
    guard change(at: now, { $0.receive(packet, at: now) }) else { return nil }
    if let interval = session.transmitInterval, former.map({ interval < $0 }) ?? true {
      nextPacket = min(nextPacket, now + interval)
    }
    return packet.isPoll ? session.answer(to: packet) : nil
  }

  /// Asks for another detection time from now on; the neighbor is told with the next packet.
  public mutating func set(_ timing: BFDSession.Timing) { session.set(timing) }

  /// Tells the neighbor with one more packet that it should expect no others.
  public mutating func lastPacket() -> BFDPacket {
    session.shutDown()
    return session.packet
  }

  /// The neighbor learns of another state at once.
  private mutating func change<Result>(at now: Duration, _ body: (inout BFDSession) -> Result) -> Result {
    let before = session.state
    defer { if session.state != before { (since, nextPacket) = (now, now) } }
    return body(&session)
  }
}
