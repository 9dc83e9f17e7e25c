// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Agent {
  /// Memberships renewed in one go: a thousand take a few minutes, not one long step.
  static let renewalLimit = 20

  /// Where the authority key is, memberships past half their life are signed again as they are, so that nobody
  /// has to think of it. Nothing is signed while our clock is in doubt.
  mutating func renewMemberships(at now: Timestamp) throws -> [Effect] {
    guard let authority = keys.authority, !isRevoked, restoredFrom == nil, clockDeviation(at: now) == nil
    else {
      return []
    }
    let due = sites(at: now).map(\.membership).filter { $0.notAfter - now < Self.membershipLifetime / 2 }
    var documents: [String] = []
    for old in due.prefix(Self.renewalLimit) {
      let document = try renewed(old, at: now).signed(by: authority, using: cryptography)
      _ = try directory.merge(document, using: cryptography)
      documents.append(document)
    }
    guard !documents.isEmpty else { return [] }
    let names = due.prefix(Self.renewalLimit).map(\.site.description).joined(separator: ", ")
    return [
      .saveDocuments, .journal(JournalEntry(.membershipRenewed, "membership renewed: \(names)")), .reconcile,
      .push(Push(documents)),
    ]
  }
}
