// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The state of an IAX2 peer by Asterisk's qualify (POKE): `OK (3 ms)`, `LAGGED (1700 ms)`, `UNREACHABLE`,
/// `UNKNOWN` or `Unmonitored`. It says that the far end's Asterisk answers, not that it would take a call.
public struct QualifyStatus: Hashable, Sendable, CustomStringConvertible {
  /// Asterisk's words.
  public let description: String

  /// A state in Asterisk's words.
  public init(_ text: String) { description = text }

  /// Whether Asterisk would try a call: only when the far end answered in time. It dials a lagged peer as little
  /// as one that is unreachable.
  public var isReachable: Bool { description.hasPrefix("OK") }

  /// The round trip in seconds, of whole milliseconds; nil when there is none.
  public var roundTrip: Double? {
    guard let open = description.firstIndex(of: "(") else { return nil }
    let number = description[description.index(after: open)...].prefix { $0.isNumber }
    return Double(number).map { $0 / 1000 }
  }
}
