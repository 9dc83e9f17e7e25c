// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials

/// A moment in whole seconds since 1970-01-01T00:00:00Z; in documents a JSON number (RFC 7519 NumericDate).
public struct Timestamp: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Seconds since the epoch.
  public let seconds: Int64

  /// A moment from seconds since the epoch.
  public init(seconds: Int64) { self.seconds = seconds }

  /// RFC 3339, such as 2026-11-23T12:00:00Z.
  public var description: String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
  }

  /// The earlier one first.
  public static func < (left: Self, right: Self) -> Bool { left.seconds < right.seconds }
  /// The moment a number of seconds later; it stays at the ends of the range.
  public static func + (left: Self, seconds: Int64) -> Self {
    let sum = left.seconds.addingReportingOverflow(seconds)
    return Self(seconds: sum.overflow ? (seconds > 0 ? .max : .min) : sum.partialValue)
  }
  /// The seconds from `right` to `left`.
  public static func - (left: Self, right: Self) -> Int64 {
    let difference = left.seconds.subtractingReportingOverflow(right.seconds)
    return difference.overflow ? (left > right ? .max : .min) : difference.partialValue
  }
}

extension Timestamp: Codable {
  /// Decodes a whole number of seconds.
  public init(from decoder: any Decoder) throws {
    seconds = try decoder.singleValueContainer().decode(Int64.self)
  }
  /// Encodes a whole number of seconds.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(seconds)
  }
}
