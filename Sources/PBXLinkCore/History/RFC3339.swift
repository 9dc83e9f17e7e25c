// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials

/// A moment as JSON for people and other programs has it: 2026-11-23T12:00:00Z.
struct RFC3339: Codable {
  let moment: Timestamp

  init(_ moment: Timestamp) { self.moment = moment }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let date = try? Date(text, strategy: .iso8601) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no RFC 3339 time")
    }
    moment = Timestamp(seconds: Int64(date.timeIntervalSince1970))
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(moment.description)
  }
}
