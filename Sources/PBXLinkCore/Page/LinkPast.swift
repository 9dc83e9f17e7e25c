// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The last day of a link, in half hours: what a small picture shows.
public struct LinkPast: Hashable, Sendable {
  /// A half hour.
  public struct Part: Hashable, Sendable {
    /// Mean round trip, in seconds.
    public let roundTrip: Double
    /// Packets lost in the worse direction, 0 to 1; nil where only the other end could tell.
    public let loss: Double?

    /// A half hour.
    public init(roundTrip: Double, loss: Double?) { (self.roundTrip, self.loss) = (roundTrip, loss) }
  }

  /// The oldest first; nil where nothing was measured.
  public let parts: [Part?]
  /// Those that touch this day, the oldest first.
  public let outages: [Outage]
  /// When the first part begins.
  public let start: Timestamp

  /// Seconds of a part.
  public static let partLength: Int64 = 1800
  /// Parts of a day.
  public static let count = 48

  /// When the day begins that ends with the half hour of a moment.
  public static func start(at now: Timestamp) -> Timestamp {
    Timestamp(seconds: now.seconds / partLength * partLength - Int64(count - 1) * partLength)
  }

  /// A day of a link.
  /// - Parameter parts: by the number of the half hour, from 0; others are left out.
  public init(start: Timestamp, parts: [Int: Part], outages: [Outage]) {
    self.start = start
    self.parts = (0..<Self.count).map { parts[$0] }
    self.outages = outages
  }

  /// Whether the link was down in a part.
  func wasDown(in part: Int, at now: Timestamp) -> Bool {
    let begin = start + Int64(part) * Self.partLength
    let end = min(begin + Self.partLength, now)
    return outages.contains { $0.kind == .down && $0.seconds(from: begin, to: end) > 0 }
  }
}
