// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Agent {
  /// Whether anyone else could know what we have signed since the backup.
  private var hasOtherMembers: Bool { directory.members.contains { $0.identity != identity } }

  /// Refuses to sign while a state from a backup may be behind what we have signed before. Revocations are not
  /// asked: two lists of one serial both count, and no limit may block a removal.
  func checkSerialsAreKnown(for verb: String) throws(AgentError) {
    if let backup = restoredFrom { throw .restored(verb: verb, backup: backup) }
  }

  /// Signs again after a restore: another member has shown what it has of us, nobody else is there to ask, or
  /// the admin says so. One member that was itself behind is believed; a fork would then show as such.
  mutating func endRestore(_ reason: String, at now: Timestamp) throws -> [Effect] {
    guard let backup = restoredFrom else { return [] }
    restoredFrom = nil
    let serial = directory.descriptor(of: identity)?.content.serial ?? 0
    let entry = JournalEntry(
      .restoreEnded, site: mesh.site,
      "restored from the backup of \(backup); \(reason); our newest descriptor is \(serial), signing again")
    return [.journal(entry)] + (try publish(at: now))
  }

  /// Ends a restore that nobody can be asked about.
  mutating func endRestoreIfAlone(at now: Timestamp) throws -> [Effect] {
    hasOtherMembers ? [] : try endRestore("the mesh has no other site", at: now)
  }
}
