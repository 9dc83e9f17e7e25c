// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension Engine {
  /// Who has applied which revocation.
  func revocations() throws -> Control.RevocationsAnswer {
    let agent = try member()
    let entries = agent.revocationProgress(at: Self.clock()).map { progress in
      let waiting = Dictionary(grouping: progress.waiting, by: agent.linksUp.contains)
      return Control.RevocationEntry(
        site: progress.entry.site.description, identity: progress.entry.identity.description,
        at: progress.entry.at.description, reason: progress.entry.reason,
        applied: progress.applied.map(\.description),
        waiting: (waiting[true] ?? []).map(\.description),
        unreachable: (waiting[false] ?? []).map(\.description))
    }
    return Control.RevocationsAnswer(revocations: entries)
  }
}
