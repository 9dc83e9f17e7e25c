// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What the probes of one path have shown since it was first probed. No number ever falls.
public struct ProbeCounters: Hashable, Sendable {
  /// Probes sent.
  public var sent = 0
  /// Probes answered in time, each counted once.
  public var received = 0
  /// Lost on the way there and on the way back, as the counts in the next answer show (RFC 8972 §4.5).
  public var transmitLost = 0
  /// Lost on the way back.
  public var receiveLost = 0
  /// Answers that came twice.
  public var duplicates = 0
  /// Answers that a later one has overtaken.
  public var reordered = 0
  /// Times there and back, without what the reflector took.
  public var roundTrips = RoundTripHistogram()

  /// Nothing was probed yet.
  public init() {}
}

/// Round trips by how long they took.
public struct RoundTripHistogram: Hashable, Sendable {
  /// Upper bounds of the buckets, each in it; longer ones are counted behind the last.
  public static let bounds: [Duration] = [
    5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 400, 600, 1000, 2000,
  ].map { .milliseconds($0) }

  /// Round trips in each bucket alone, then those behind the last bound.
  public private(set) var counts = [Int](repeating: 0, count: bounds.count + 1)
  /// All of them, one after the other.
  public private(set) var sum = Duration.zero

  /// None yet.
  public init() {}

  mutating func add(_ roundTrip: Duration) {
    counts[Self.bounds.firstIndex { roundTrip <= $0 } ?? Self.bounds.count] += 1
    sum += roundTrip
  }
}
