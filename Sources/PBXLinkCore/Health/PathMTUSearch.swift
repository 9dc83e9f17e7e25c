// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Finds the largest IP packet that gets through a path and back, by probes padded to a size, whatever routers tell or do
/// not tell of it (Datagram Packetization Layer Path MTU Discovery, RFC 8899 §5).
struct PathMTUSearch: Hashable, Sendable {
  /// How long an answer may take, and the time between two probes of a search (PROBE_TIMER).
  static let interval = LinkMeter.patience
  /// So many of a size without an answer, and it does not get through (MAX_PROBES); more on a line that loses some.
  static let attempts = 3
  /// How unlikely it is to be that losses alone take so many.
  static let tolerance = 1e-4
  /// Between two looks at whether the size found still gets through (CONFIRMATION_TIMER).
  static let confirmation = Duration.seconds(60)
  /// After so long a larger one is tried again (PMTU_RAISE_TIMER).
  static let raise = Duration.seconds(600)
  /// The search ends when the size is known to so many octets; WireGuard fills packets up to 16.
  static let granularity = 8
  /// What IPv6 inside the tunnel needs (RFC 8200 §5), and most paths carry.
  static let base = 1280
  /// All probes are about as long, so it gets through where any does.
  static let smallest = 128

  /// The largest that has come back, once it is known; what was known before while it is looked for again.
  private(set) var mtu: Int?
  /// The interface's MTU.
  let largest: Int
  /// As much gets through, and no more than that perhaps.
  private var range: ClosedRange<Int>
  private var pending: Probe?
  private var misses = 0
  /// When to ask for the next size.
  private(set) var due: Duration
  private var raiseAt: Duration?

  private struct Probe: Hashable {
    let sequence: UInt32
    let size: Int
    let sent: Duration
  }

  /// Nothing tried yet.
  /// - Parameters:
  ///   - largest: the interface's MTU.
  ///   - former: what was known before the interface or the path has changed.
  init(largest: Int, former: Int? = nil, at now: Duration) {
    self.largest = max(largest, Self.smallest)
    range = Self.smallest...self.largest
    mtu = former.map { min($0, largest) }
    due = now
  }

  /// The size to send now, if it is time for one.
  /// - Parameters:
  ///   - sequence: the number that the probe will have.
  ///   - lastAnswer: when an answer to another, short probe came last: a path that is silent loses all sizes.
  ///   - loss: of those, 0 to 1.
  mutating func next(_ sequence: UInt32, lastAnswer: Duration?, loss: Double, at now: Duration) -> Int? {
    guard now >= due else { return nil }
    if let probe = pending {
      pending = nil
      if let lastAnswer, lastAnswer > probe.sent { miss(probe.size, loss: loss, at: now) }
      guard now >= due else { return nil }
    }
    if let raiseAt, now >= raiseAt { (range, self.raiseAt) = (range.lowerBound...largest, nil) }
    let size = candidate
    pending = Probe(sequence: sequence, size: size, sent: now)
    due = now + Self.interval
    return size
  }

  /// The answer to a probe has come.
  mutating func receive(_ sequence: UInt32, at now: Duration) {
    guard let probe = pending, probe.sequence == sequence else { return }
    (pending, misses) = (nil, 0)
    range = max(range.lowerBound, probe.size)...max(range.upperBound, probe.size)
    settle(at: now)
  }

  /// Whether no larger one is to be tried for now.
  private var isComplete: Bool { range.upperBound - range.lowerBound < Self.granularity }

  private var candidate: Int {
    if isComplete { return range.lowerBound }
    // Most paths carry what the interface does, and most of the others the base.
    if range.upperBound == largest { return largest }
    if range.contains(Self.base), range.lowerBound < Self.base { return Self.base }
    return (range.lowerBound + range.upperBound + 1) / 2
  }

  private mutating func miss(_ size: Int, loss: Double, at now: Duration) {
    misses += 1
    guard misses >= Self.attempts(loss: loss) else { return }
    misses = 0
    // What got through before and does no more is a black hole: the search begins again below it.
    range = (size > range.lowerBound ? range.lowerBound : min(Self.smallest, size - 1))...(size - 1)
    settle(at: now)
  }

  private mutating func settle(at now: Duration) {
    guard isComplete else { return due = now }
    mtu = range.lowerBound
    due = now + Self.confirmation
    if raiseAt == nil, range.upperBound < largest { raiseAt = now + Self.raise }
  }

  /// How many probes in a row losses alone will hardly take.
  static func attempts(loss: Double) -> Int {
    var (count, chance) = (1, loss)
    while chance > tolerance, count < 50 { (count, chance) = (count + 1, chance * loss) }
    return max(count, attempts)
  }
}
