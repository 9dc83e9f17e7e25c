// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

/// What the line of an office to the Internet does to each packet, in both directions.
public struct Line: Codable, Hashable, Sendable {
  /// Milliseconds that every packet takes.
  public var delay: Int
  /// Milliseconds that a packet may take longer, evenly spread. None overtakes another.
  public var jitter: Int
  /// Packets of a hundred that are lost, one independent of the other.
  public var loss: Double
  /// The largest IP packet that it carries, in bytes; larger ones are lost without a word. Nil: any.
  public var mtu: Int?
  /// Whose packets it does that to, by a public address; nil for everybody's.
  public var peer: IPAddress?

  /// A line; one without any fault by default.
  public init(delay: Int = 0, jitter: Int = 0, loss: Double = 0, mtu: Int? = nil, peer: IPAddress? = nil) {
    (self.delay, self.jitter, self.loss, self.mtu, self.peer) = (delay, jitter, loss, mtu, peer)
  }

  /// Whether an Ethernet frame, with its 14 bytes, is longer than it carries.
  public func isTooLong(_ frame: [UInt8]) -> Bool { mtu.map { frame.count > $0 + 14 } ?? false }

  /// Whether an Ethernet frame is one of those: IPv4 has its addresses at 12 and 16 (RFC 791), behind 14 bytes of
  /// Ethernet.
  public func concerns(_ frame: [UInt8]) -> Bool {
    guard let peer else { return true }
    guard frame.count >= 34, frame[12...13] == [0x08, 0x00] else { return false }
    return frame[26..<30].elementsEqual(peer.bytes) || frame[30..<34].elementsEqual(peer.bytes)
  }
}

/// One direction of a line: what is on its way.
public struct LineQueue: Sendable {
  /// What the line does to what enters it from now on.
  public var line: Line
  private var frames: [(due: Duration, bytes: [UInt8])] = []

  /// Frames on the way; more are lost, as in any queue.
  private static let limit = 10_000

  /// Nothing on its way.
  public init(_ line: Line) { self.line = line }

  /// When the next frame comes out.
  public var next: Duration? { frames.first?.due }

  /// A frame enters the line, on some monotonic clock.
  public mutating func enter(
    _ bytes: [UInt8], at now: Duration, using random: inout some RandomNumberGenerator
  ) {
    guard frames.count < Self.limit, !line.isTooLong(bytes),
      Double.random(in: 0..<100, using: &random) >= line.loss
    else { return }
    let extra = Double.random(in: 0...1, using: &random) * Double(line.jitter)
    let due = now + .milliseconds(line.delay) + .seconds(extra / 1000)
    frames.append((max(due, frames.last?.due ?? .zero), bytes))
  }

  /// The frames that come out by now.
  public mutating func leave(at now: Duration) -> [[UInt8]] {
    let count = frames.firstIndex { $0.due > now } ?? frames.count
    defer { frames.removeFirst(count) }
    return frames[..<count].map(\.bytes)
  }
}
