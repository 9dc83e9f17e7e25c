// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Which refused calls are told of in the journal: one of each sort in a quarter of an hour, since somebody may try all day.
public struct RefusedCalls: Sendable {
  /// Seconds in which more of the same are not told.
  static let pause: Int64 = 900

  private struct Sort: Hashable {
    let site: SiteName
    let direction: TrunkCall.Direction
    let outcome: TrunkCall.Outcome
  }

  private var told: [Sort: Timestamp] = [:]

  /// Nothing was told yet.
  public init() {}

  /// The entry for a call that was refused; nil for any other, and for one that need not be told.
  public mutating func entry(for call: TrunkCall, at now: Timestamp) -> JournalEntry? {
    let reason: String
    switch call.outcome {
    case .refusedLimit: reason = "the link is at its limit of calls"
    case .refusedAuthentication: reason = "'\(call.site)' does not take our account, key or address"
    case .refused: reason = "it is not allowed"
    case .answered, .busy, .unanswered, .unknownNumber, .failed: return nil
    }
    told = told.filter { abs(now - $0.value) < Self.pause }
    let sort = Sort(site: call.site, direction: call.direction, outcome: call.outcome)
    guard told.updateValue(told[sort] ?? now, forKey: sort) == nil else { return nil }
    let parties = [call.caller.map { "from \($0)" }, call.number.map { "to \($0)" }].compactMap(\.self)
    return JournalEntry(
      .callRefused, site: call.site,
      (["a call \(call.direction.words) '\(call.site)'"] + parties).joined(separator: " ")
        + " was refused: \(reason)")
  }
}
