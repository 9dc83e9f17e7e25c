// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine {
  /// Seconds after the start in which a link that does not work yet is no news.
  private static let settlingTime: Int64 = 30

  /// Journals the links whose state has changed.
  func noteLinkStates() {
    guard hasLooked, let agent, !isJoining else { return }
    let now = Self.clock()
    let status = StatusSnapshot(of: agent, in: surroundings(lastReport), at: now)
    verdict = status.verdict
    for entry in linkStates.update(status.peers, isSettling: now - started < Self.settlingTime, at: now) {
      journal(entry)
    }
  }

  /// `events`: a part of the journal.
  func events(_ query: EventQuery) throws -> EventList { EventList(try store.events(query)) }
}
