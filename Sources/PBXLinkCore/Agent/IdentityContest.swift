// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Notices that another machine signs as this site: a clone, or the server that this one was restored from. Both
/// would answer each other's descriptor with their own without end, so each answer after the first waits longer.
struct IdentityContest: Hashable, Sendable {
  /// Seconds before the second answer; each one after it waits twice as long.
  static let pause: Int64 = 60
  private static let longestPause: Int64 = 86_400

  private var signed: String?
  private var losses = 0
  private var nextAnswer: Timestamp?

  /// Compares what is held of this site with what it signed last. Returns both when another machine has put its
  /// own in the place for the second time: once may be what this site signed before it was restored.
  mutating func isLost(to held: String?, at now: Timestamp) -> (ours: String, theirs: String)? {
    guard let signed, let held, held != signed else { return nil }
    self.signed = nil
    losses += 1
    guard losses > 1 else { return nil }
    nextAnswer = now + min(Self.pause << Int64(min(losses - 2, 20)), Self.longestPause)
    return (signed, held)
  }

  /// Whether to sign now. A clock that is put back does not lengthen a pause.
  func maySign(at now: Timestamp) -> Bool {
    nextAnswer.map { now >= $0 || $0 - now > Self.longestPause } ?? true
  }

  /// Remembers what was signed.
  mutating func sign(_ hash: String?) { signed = hash }
}

extension JournalEntry {
  /// The entry for another machine with this site's identity.
  init(contest: (ours: String, theirs: String), of site: SiteName) {
    self.init(
      .siteForked, site: site,
      "another server signs as this site '\(site)': its descriptor \(contest.theirs) took the place of "
        + "\(contest.ours). If this server or that one is a clone, stop it, remove the site and let the right one "
        + "join again")
  }
}
