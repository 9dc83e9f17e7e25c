// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Synchronization

/// The sites of a directory as they were last computed: asked for many times a second, they change when documents
/// do, or when the validity of one begins or ends. Says nothing of its own, so all caches are equal.
final class SiteCache: Hashable, Sendable {
  private struct Entry {
    let sites: [Site]
    let emergencyNumbers: EmergencyNumbers
    /// While this is so.
    let period: Range<Timestamp>
  }

  private let entry = Mutex<Entry?>(nil)

  /// The sites at a moment; computed where they are not known.
  func sites(
    at now: Timestamp, _ emergencyNumbers: EmergencyNumbers, compute: () -> [Site]
  ) -> [Site] {
    let known = entry.withLock { $0 }
    if let known, known.period.contains(now), known.emergencyNumbers == emergencyNumbers {
      return known.sites
    }
    let sites = compute()
    var (start, end) = (Timestamp(seconds: .min), Timestamp(seconds: .max))
    for moment in sites.flatMap(\.turningPoints) {
      if moment <= now { start = max(start, moment) } else { end = min(end, moment) }
    }
    entry.withLock { $0 = Entry(sites: sites, emergencyNumbers: emergencyNumbers, period: start..<end) }
    return sites
  }

  static func == (_: SiteCache, _: SiteCache) -> Bool { true }
  func hash(into _: inout Hasher) {}
}

extension Site {
  /// When what is valid of it changes.
  fileprivate var turningPoints: [Timestamp] {
    [membership.notBefore, membership.notAfter] + [descriptor?.expiresAt].compactMap(\.self)
  }
}
