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

/// Which of its tunnel keys a restored site tries, and since when.
struct KeyTurn: Hashable, Sendable {
  /// Seconds for each: some handshakes, and one keepalive of a peer that has to begin.
  static let length: Int64 = 30

  var isNext = false
  var since: Timestamp?
}

extension Agent {
  /// The tunnel key to use now.
  var tunnelKey: TunnelKey { keyTurn.isNext ? keys.nextTunnel : keys.tunnel }

  /// If keys were rotated since the backup, the others have taken the key that came next then: while nobody answers,
  /// both have their turns.
  mutating func turnTunnelKey(at now: Timestamp) -> [Effect] {
    guard restoredFrom != nil, linksUp.isEmpty else { return [] }
    let since = keyTurn.since ?? now
    guard now - since >= KeyTurn.length else {
      keyTurn.since = min(since, now)
      return []
    }
    keyTurn = KeyTurn(isNext: !keyTurn.isNext, since: now)
    return [.reconcile]
  }

  /// The keys to go on with after a restore, when our newest descriptor announces others than we have; nil when ours
  /// will do. A site never goes back to a former key: the others would take it for one that is over.
  public var generationsAfterRestore: KeyGenerations? {
    guard restoredFrom != nil, let announced = directory.descriptor(of: identity)?.content else { return nil }
    var next = keyGenerations
    switch announced.wireguard.publicKey {
    // Who has heard us by the next one has moved to it.
    case keys.tunnel.publicKey: next.tunnel += keyTurn.isNext ? 1 : 0
    case keys.nextTunnel.publicKey: next.tunnel += 1
    default: next.tunnel += 2
    }
    let own = Set(keys.trunk.map(\.publicKey))
    if !announced.trunk.keys.allSatisfy({ own.contains($0.publicKey) }) {
      let known = keys.trunk.map(\.generation) + announced.trunk.keys.map(\.generation)
      next.trunk = (known.max() ?? next.trunk) + 1
      next.oldestTrunk = nil
      next.rotation = nil
    }
    return next == keyGenerations ? nil : next
  }

  /// Goes on with other keys before the first signature after a restore.
  /// - Parameter new: the keys of ``generationsAfterRestore``.
  public mutating func replaceKeys(
    with new: AgentKeys, _ generations: KeyGenerations, at now: Timestamp
  ) -> [Effect] {
    keys = new
    adoptAuthority()
    keyGenerations = generations
    keyGenerations.rotatedAt = now
    keyTurn = KeyTurn()
    let text =
      "keys were rotated after the backup and are replaced: tunnel key \(generations.tunnel), trunk key "
      + "\(generations.trunk)"
    return [.saveKeyGenerations, .journal(JournalEntry(.keysRotated, text)), .removeOldKeys, .reconcile]
  }

  /// What an admin can do while a restored site has asked nobody; nil when it has.
  var restoreRemedy: String? {
    restoredFrom == nil
      ? nil
      : "If keys were rotated twice since the backup, no link comes up by itself: bring what 'pbxlink descriptor "
        + "export --all' writes at another site to 'pbxlink descriptor import' here, run 'pbxlink apply "
        + "--accept-serials', and bring what 'pbxlink descriptor export' writes here to 'import' there."
  }

  /// What the admin of a restored site should know; nil when it has asked another one.
  public var restoreProblem: String? {
    guard let restoredFrom, let restoreRemedy else { return nil }
    return
      "restored from the backup of \(restoredFrom): nothing is signed until a link is up and another site has "
      + "been asked. \(restoreRemedy)"
  }
}
