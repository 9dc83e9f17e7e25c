// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What one of two sites that cannot reach each other leaves for the other one at the relays that it reaches.
public struct RelayNote: Hashable, Sendable, Codable {
  /// The relays that it can use now, and the round trip to each in microseconds.
  public var relays: [SiteName: Int]
  /// The one that it has chosen; nil from the site that leaves the choice to the other.
  public var choice: SiteName?

  /// A note.
  public init(relays: [SiteName: Int], choice: SiteName? = nil) {
    self.relays = relays
    self.choice = choice
  }

  /// A minute, in microseconds: more is no round trip.
  static let longestRoundTrip = 60_000_000
  /// Relays of a note that are looked at.
  static let relayLimit = 16
}

/// A note as it is handed on: with the seconds since it was left.
public struct AgedRelayNote: Hashable, Sendable, Codable {
  /// The note.
  public let note: RelayNote
  /// Seconds since the relay got it.
  public let age: Int64

  /// A note of an age.
  public init(_ note: RelayNote, age: Int64) {
    self.note = note
    self.age = age
  }
}

/// The notes that others have left at a relay, in memory only: each is renewed every few seconds.
struct RelayNotes: Sendable {
  /// How long a note counts.
  static let lifetime = Duration.seconds(15)
  /// Peers of one site; a site that needs more is no use to anybody.
  static let limit = 1_000

  private struct Kept {
    let note: RelayNote
    let at: Duration
  }

  // By the site that has left them, then by the one that they are for.
  private var kept: [SiteName: [SiteName: Kept]] = [:]

  /// Takes a site's notes in place of its former ones, and gives what the others have left for it.
  mutating func exchange(
    _ notes: [SiteName: RelayNote], from site: SiteName, at now: Duration
  ) -> [SiteName: AgedRelayNote] {
    kept = kept.filter { $0.value.values.contains { now - $0.at <= Self.lifetime } }
    let named = notes.keys.sorted().prefix(Self.limit)
    kept[site] = named.reduce(into: [:]) { kept, peer in
      guard var note = notes[peer] else { return }
      let relays = note.relays.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
      note.relays = Dictionary(
        uniqueKeysWithValues: relays.prefix(RelayNote.relayLimit).map { ($0.key, $0.value) })
      kept[peer] = Kept(note: note, at: now)
    }
    return named.reduce(into: [:]) { answer, peer in
      guard let left = kept[peer]?[site], now - left.at <= Self.lifetime else { return }
      answer[peer] = AgedRelayNote(left.note, age: (now - left.at).components.seconds)
    }
  }
}
