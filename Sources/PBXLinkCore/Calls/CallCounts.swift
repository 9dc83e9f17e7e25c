// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// How many calls there were, and what became of them.
public struct CallCounts: Hashable, Sendable, Codable {
  /// All calls.
  public var attempts = 0
  /// Calls that were answered.
  public var answered = 0
  /// Calls that were busy, rang in vain or were given up by the caller.
  public var unanswered = 0
  /// Calls that the limit of the link has kept back.
  public var refusedLimit = 0
  /// Calls that the far end did not take from us.
  public var refusedAuthentication = 0
  /// Calls that failed otherwise: unknown numbers, what is not allowed, anything else.
  public var failed = 0
  /// Seconds talked.
  public var seconds: Int64 = 0

  enum CodingKeys: String, CodingKey {
    case attempts, answered, unanswered, failed, seconds
    case refusedLimit = "refused_limit"
    case refusedAuthentication = "refused_authentication"
  }

  /// No calls.
  public init() {}

  /// Adds a call.
  public mutating func add(_ call: TrunkCall) {
    attempts += 1
    seconds += call.seconds
    switch call.outcome {
    case .answered: answered += 1
    case .busy, .unanswered: unanswered += 1
    case .refusedLimit: refusedLimit += 1
    case .refusedAuthentication: refusedAuthentication += 1
    case .unknownNumber, .refused, .failed: failed += 1
    }
  }

  /// Both together.
  public static func += (left: inout Self, right: Self) {
    left.attempts += right.attempts
    left.answered += right.answered
    left.unanswered += right.unanswered
    left.refusedLimit += right.refusedLimit
    left.refusedAuthentication += right.refusedAuthentication
    left.failed += right.failed
    left.seconds += right.seconds
  }
}

/// An hour of the clock on the wall.
public struct LocalHour: Hashable, Sendable {
  /// Days since 1970-01-01.
  public let day: Int
  /// 0 to 23.
  public let hour: Int

  /// An hour of a day.
  public init(day: Int, hour: Int) { (self.day, self.hour) = (day, hour) }

  /// The hour of a moment where the clock is so many seconds ahead of UTC.
  public init(_ moment: Timestamp, secondsFromUTC: Int) {
    let hours = Int((moment + Int64(secondsFromUTC)).seconds.floored(by: 3600))
    self.init(day: hours.floored(by: 24), hour: hours - hours.floored(by: 24) * 24)
  }

  /// Saturday or Sunday.
  var isWeekend: Bool {
    // 1970-01-01 was a Thursday, the fourth day of its week.
    let weekday = day + 3
    return weekday - weekday.floored(by: 7) * 7 >= 5
  }

  /// Such as 2026-11-30.
  public static func date(ofDay day: Int) -> String {
    String(Timestamp(seconds: Int64(day) * 86_400).description.prefix(10))
  }
}

extension BinaryInteger {
  fileprivate func floored(by divisor: Self) -> Self {
    self / divisor - (self % divisor < 0 ? 1 : 0)
  }
}

/// The calls of one direction with a site within an hour.
public struct CallHour: Hashable, Sendable {
  /// When.
  public let time: LocalHour
  /// Who has placed them.
  public let direction: TrunkCall.Direction
  /// How many.
  public var counts: CallCounts

  /// Calls within an hour.
  public init(_ time: LocalHour, _ direction: TrunkCall.Direction, _ counts: CallCounts) {
    (self.time, self.direction, self.counts) = (time, direction, counts)
  }
}
