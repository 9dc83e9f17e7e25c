// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

/// What the asking site leaves at a relay for others. It takes the place of what it left before.
struct RelayRequest: Sendable, Codable {
  /// By the site that a note is for.
  let notes: [SiteName: RelayNote]
}

/// What those sites have left for the asking one.
struct RelayAnswer: Sendable, Codable {
  /// By the site that has left a note.
  let notes: [SiteName: AgedRelayNote]
}

/// The asking site sees the direct way work and would leave the relay.
struct DirectRequest: Sendable, Codable {}

/// The asking site would go by a relay: the direct way is poor.
struct RelayedRequest: Sendable, Codable {
  /// The relay.
  let relay: SiteName
}

/// Whether it may do so now.
struct DirectAnswer: Sendable, Codable {
  /// Why not yet; nil when the answering site follows.
  let wait: String?
}
