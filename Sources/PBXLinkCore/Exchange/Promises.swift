// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Documents that were offered and asked for, and should come soon: asking every site that offers one would bring it
/// as often. Two are asked, so that none can keep a document away by offering what it does not send.
struct Promises: Sendable {
  /// Seconds after which a document is asked for again.
  static let patience: Int64 = 5
  /// Documents that are waited for; more are asked for each time.
  static let limit = 1_000

  private var pending: [String: (since: Timestamp, by: Set<SiteName>)] = [:]

  /// Whether to ask a site for a document that it offers.
  mutating func shouldAsk(_ site: SiteName, for hash: String, at now: Timestamp) -> Bool {
    if pending.count >= Self.limit { pending = pending.filter { isOpen($0.value.since, at: now) } }
    guard let entry = pending[hash], isOpen(entry.since, at: now) else {
      if pending.count < Self.limit { pending[hash] = (now, [site]) }
      return true
    }
    guard entry.by.count < 2, !entry.by.contains(site) else { return false }
    pending[hash]?.by.insert(site)
    return true
  }

  private func isOpen(_ since: Timestamp, at now: Timestamp) -> Bool {
    (0..<Self.patience).contains(now - since)
  }
}
