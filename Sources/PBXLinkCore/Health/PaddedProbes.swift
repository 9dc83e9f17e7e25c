// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The long probes of one path: a STAMP session of their own beside the others, so that those that get lost for their
/// length are none of the line's losses.
struct PaddedProbes: Hashable, Sendable {
  private var search: PathMTUSearch
  private var sequence: UInt32 = 0

  /// - Parameter largest: the interface's MTU in bytes.
  init(upTo largest: Int, at now: Duration) { search = PathMTUSearch(largest: largest, at: now) }

  /// The largest that gets there and back, once it is known.
  var mtu: Int? { search.mtu }
  /// The interface's MTU.
  var largest: Int { search.largest }

  /// The interface's MTU has changed, or the path leads elsewhere perhaps.
  mutating func restart(upTo largest: Int, at now: Duration) {
    search = PathMTUSearch(largest: largest, former: search.mtu, at: now)
  }

  /// Whether it is time for the next one.
  func isDue(at now: Duration) -> Bool { now >= search.due }

  /// The next one, if it is time for it and there is one to send.
  /// - Parameters:
  ///   - lastAnswer: when an answer to one of the short probes came last.
  ///   - loss: of those, 0 to 1.
  mutating func next(
    at now: Duration, timestamp: NTPTimestamp, lastAnswer: Duration?, loss: Double
  ) -> STAMPPacket? {
    guard let size = search.next(sequence, lastAnswer: lastAnswer, loss: loss, at: now) else { return nil }
    defer { sequence &+= 1 }
    return STAMPPacket(sequence: sequence, timestamp: timestamp, size: size)
  }

  /// An answer has come.
  mutating func receive(_ answer: STAMPReflection, at now: Duration) {
    search.receive(answer.senderSequence, at: now)
  }
}
