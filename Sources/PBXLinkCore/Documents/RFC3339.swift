// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials

/// A moment as JSON for people and other programs has it: 2026-11-23T12:00:00Z.
public struct RFC3339: Hashable, Sendable, Codable {
  /// The moment.
  public let moment: Timestamp

  /// A moment to be told.
  public init(_ moment: Timestamp) { self.moment = moment }

  /// Decodes a text such as 2026-11-23T12:00:00Z.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let moment = Timestamp(rfc3339: text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no RFC 3339 time")
    }
    self.moment = moment
  }

  /// Encodes the text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(moment.description)
  }
}

extension Timestamp {
  /// A moment from a text such as 2026-11-23T12:00:00Z; nil when it is none.
  public init?(rfc3339 text: String) {
    guard let date = try? Date(text, strategy: .iso8601) else { return nil }
    self.init(seconds: Int64(date.timeIntervalSince1970))
  }
}
