// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A rotation renews the tunnel key and the trunk key while calls are up and being placed:
///
/// 1. a new trunk key is made, and Asterisk takes calls by either;
/// 2. the descriptor announces it; each peer takes calls by it, calls us by it and sends a receipt, and from then
///    on we call that peer by it;
/// 3. when every peer that is up has sent its receipt, and so knows the next tunnel key too, the tunnel changes to
///    that one; each peer moves our addresses to it when it makes its first handshake;
/// 4. the descriptor announces another next tunnel key, and a minute later the old trunk key no more.
extension Agent {
  /// Seconds for which calls are taken by the old trunk key after a rotation: longer than any call takes to be set
  /// up, at both ends.
  static let retirement: Int64 = 60
  /// Most trunk keys that a descriptor may announce.
  static let trunkKeyLimit = 4

  /// Begins a rotation.
  /// - Parameters:
  ///   - new: our keys with a trunk key of the next generation.
  ///   - leavingBehind: whether to go on although there are sites that could not follow.
  public mutating func beginRotation(
    with new: AgentKeys, leavingBehind: Bool, at now: Timestamp
  ) throws -> [Effect] {
    guard membership != nil else { throw AgentError.siteUnknown(mesh.site) }
    try checkSerialsAreKnown(for: "rotate-keys")
    if let rotation = keyGenerations.rotation { throw AgentError.rotationUnderWay(since: rotation.begunAt) }
    guard keyGenerations.acceptedTrunks.count < Self.trunkKeyLimit else {
      throw AgentError.rotationUnderWay(since: keyGenerations.rotatedAt ?? now)
    }
    let behind = sitesThatCannotFollow(at: now)
    guard leavingBehind || behind.isEmpty else { throw AgentError.rotationLeavesBehind(behind) }
    guard let trunk = new.trunk.last?.generation, trunk > keyGenerations.trunk else {
      throw AgentError.signing("there is no new trunk key")
    }
    keys = new
    adoptAuthority()
    keyGenerations.rotation = .init(trunk: trunk, begunAt: now)
    return [
      .saveKeyGenerations, .journal(JournalEntry(.keysRotated, "rotation of keys begins")), .reconcile,
    ]
  }

  /// The sites that would lose us: those that are up and do not follow announced keys, and, while no site is up that
  /// could tell them later, those that are down and have not said that they know the next key.
  public func sitesThatCannotFollow(at now: Timestamp) -> [SiteName] {
    linkedSites(at: now).filter { site in
      linksUp.contains(site.name)
        ? !site.followsKeys : linksUp.isEmpty && !knowsNextTunnelKey(site)
    }.map(\.name)
  }

  /// Whether a site has said that it applied our present descriptor, which announces the next key.
  private func knowsNextTunnelKey(_ site: Site) -> Bool {
    guard let known = receipts[site.identity]?.descriptor else { return false }
    return known == directory.descriptor(of: identity)?.version
  }

  /// The trunk keys that peers may call us by.
  var announcedTrunkKeys: [any TrunkKey] {
    guard let rotation = keyGenerations.rotation, rotation.announcedBy == nil else { return keys.trunk }
    return keys.trunk.filter { $0.generation < rotation.trunk }
  }

  /// The trunk key by which we call a site: the newest that it takes calls by.
  func trunkKey(for site: Site) -> (any TrunkKey)? {
    guard let rotation = keyGenerations.rotation else { return keys.trunk.last }
    return hasApplied(rotation, site)
      ? keys.trunk.last : keys.trunk.first { $0.generation == keyGenerations.trunk }
  }

  private func hasApplied(_ rotation: KeyGenerations.Rotation, _ site: Site) -> Bool {
    guard let announcedBy = rotation.announcedBy, let known = receipts[site.identity]?.descriptor else {
      return false
    }
    return known.serial >= announcedBy
  }

  /// Asterisk takes calls by these generations: a new one may be announced.
  mutating func announceNewTrunkKey(_ generations: [UInt32], at now: Timestamp) throws -> [Effect] {
    guard let rotation = keyGenerations.rotation, rotation.announcedBy == nil, restoredFrom == nil,
      generations.contains(rotation.trunk)
    else { return [] }
    let serial = directory.nextDescriptor(of: identity).serial
    keyGenerations.rotation?.announcedBy = serial
    return [.saveKeyGenerations] + (try publish(at: now))
  }

  /// The sites whose receipts a rotation waits for. One that cannot follow was left behind.
  public func sitesAwaitedByRotation(at now: Timestamp) -> [SiteName] {
    guard let rotation = keyGenerations.rotation else { return [] }
    return sitesToPrepare(at: now).filter { !hasApplied(rotation, $0) }.map(\.name)
  }

  private func sitesToPrepare(at now: Timestamp) -> [Site] {
    linkedSites(at: now).filter { linksUp.contains($0.name) && $0.followsKeys }
  }

  /// The peers to prepare for the change of the tunnel key, when it is time for that.
  public func peersForHandover(at now: Timestamp) -> [Site]? {
    guard keyGenerations.rotation?.announcedBy != nil, restoredFrom == nil,
      sitesAwaitedByRotation(at: now).isEmpty
    else {
      return nil
    }
    return sitesToPrepare(at: now)
  }

  /// Whether a peer's next tunnel key is known here, and in the tunnel.
  public func isReadyForHandover(of site: SiteName, to key: PublicKey, at now: Timestamp) -> Bool {
    linkedSites(at: now).contains { linked in
      linked.name == site
        && applied.descriptor(of: linked.identity)?.content.wireguard.nextPublicKey == key
    }
  }

  /// Changes to the next tunnel key and the new trunk key.
  /// - Parameter new: the keys from then on, with another next tunnel key.
  public mutating func endRotation(with new: AgentKeys, at now: Timestamp) throws -> [Effect] {
    guard let rotation = keyGenerations.rotation else { throw AgentError.rotationNotUnderWay }
    keys = new
    adoptAuthority()
    keyGenerations.oldestTrunk = keyGenerations.acceptedTrunks.lowerBound
    keyGenerations.tunnel = new.tunnel.generation
    keyGenerations.trunk = rotation.trunk
    keyGenerations.rotation = nil
    keyGenerations.rotatedAt = now
    let entry = JournalEntry(
      .keysRotated, "keys rotated: tunnel key \(new.tunnel.generation), trunk key \(rotation.trunk)")
    return [.saveKeyGenerations, .journal(entry)] + (try publish(at: now))
  }

  /// Lets the old trunk keys go when their time is over.
  mutating func retireKeys(at now: Timestamp) throws -> [Effect] {
    guard keyGenerations.oldestTrunk != nil, keyGenerations.rotation == nil,
      // Also when the clock has gone back since.
      keyGenerations.rotatedAt.map({ now - $0 >= Self.retirement || now < $0 }) ?? true
    else { return [] }
    keyGenerations.oldestTrunk = nil
    keys.trunk.removeAll { $0.generation < keyGenerations.trunk }
    return [.saveKeyGenerations, .removeOldKeys] + (try publish(at: now)) + [.reconcile]
  }

  /// Whether the site file's interval has passed. A rotation by the clock leaves nobody behind: it waits, also until other
  /// sites say that the clock is right. One that is years ahead would begin a rotation at each start, in the moments in
  /// which links find each other again.
  func isRotationDue(at now: Timestamp) -> Bool {
    guard configuration.rotationDays > 0, keyGenerations.rotation == nil, restoredFrom == nil, let membership
    else { return false }
    let last = keyGenerations.rotatedAt ?? membership.notBefore
    return now - last >= Int64(configuration.rotationDays) * 86_400 && sitesThatCannotFollow(at: now).isEmpty
      && (isClockConfirmed(at: now) || linkedSites(at: now).isEmpty)
  }
}

extension Descriptor.WireGuard {
  /// The keys that the site uses now or next.
  var keys: [PublicKey] { [publicKey] + (nextPublicKey.map { [$0] } ?? []) }
}

extension Site {
  /// Whether its pbxlink tells what it has applied and follows a change of keys: one that does announces a next key.
  var followsKeys: Bool { descriptor?.wireguard.nextPublicKey != nil }
}
