// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a site says that it has applied: its firewall, tunnel and trunks are as these documents want them. It is
/// the site's own word, unsigned, and believed of that site alone.
public struct Receipt: Hashable, Sendable, Codable {
  /// Hashes of the lists of revocations.
  public var revocations: [String]
  /// The descriptor of the site that the receipt is for; nil when none of it has been applied.
  public var descriptor: DocumentVersion?

  /// A receipt.
  public init(revocations: [String], descriptor: DocumentVersion?) {
    self.revocations = revocations
    self.descriptor = descriptor
  }
}

/// Who has applied the revocation of one identity.
public struct RevocationProgress: Hashable, Sendable {
  /// Seconds after which a site that has not applied a revocation is reported.
  public static let patience: Int64 = 300

  /// The revocation.
  public let entry: Revocations.Entry
  /// The sites that say they have applied it.
  public let applied: [SiteName]
  /// The sites that have not said so.
  public let waiting: [SiteName]

  /// Whether a site that is still trusted may link to the revoked one, and has had time to hear of it.
  public func isOverdue(at now: Timestamp) -> Bool {
    !waiting.isEmpty && now - entry.at > Self.patience
  }
}

extension Agent {
  /// What we have applied, for one other site.
  public func receipt(for site: PublicKey) -> Receipt {
    Receipt(
      revocations: applied.revocations.map(\.version.hash), descriptor: applied.descriptor(of: site)?.version)
  }

  /// The revocations, the newest first, and who has applied each.
  public func revocationProgress(at now: Timestamp) -> [RevocationProgress] {
    let linked = linkedSites(at: now)
    return directory.revoked.values.sorted { ($1.at, $1.identity) < ($0.at, $0.identity) }.map { entry in
      let lists = Set(
        directory.revocations.filter { $0.content.identities.contains(entry.identity) }.map(\.version.hash))
      let sites = Dictionary(grouping: linked) { site in
        receipts[site.identity].map { !lists.isDisjoint(with: $0.revocations) } ?? false
      }
      return RevocationProgress(
        entry: entry, applied: (sites[true] ?? []).map(\.name), waiting: (sites[false] ?? []).map(\.name))
    }
  }

  /// The planes are in line with these documents: whoever waits for that is told.
  mutating func noteApplied(
    _ documents: Directory, trunkGenerations: [UInt32], at now: Timestamp
  ) throws -> [Effect] {
    let before = applied
    applied = documents
    var told = Set(
      documents.descriptors.filter { before.descriptors[$0.key]?.version != $0.value.version }.keys)
    if before.revocations.map(\.version) != documents.revocations.map(\.version) {
      told.formUnion(documents.memberships.values.map(\.content).filter(\.canRevoke).map(\.identity))
    }
    let names = linkedSites(at: now).filter { told.contains($0.identity) }.map(\.name)
    return try announceNewTrunkKey(trunkGenerations, at: now) + (names.isEmpty ? [] : [.sendReceipts(names)])
  }

  /// A site has applied documents.
  mutating func note(_ receipt: Receipt, from name: SiteName, at now: Timestamp) -> [Effect] {
    guard let site = linkedSite(name, at: now) else { return [] }
    let before = trunkKey(for: site)?.generation
    receipts[site.identity] = Receipt(
      revocations: Array(receipt.revocations.prefix(directory.revocations.count)),
      descriptor: receipt.descriptor)
    return trunkKey(for: site)?.generation == before ? [] : [.reconcile]
  }
}

extension Membership {
  /// Whether an admin may be waiting there to hear that a site is out everywhere.
  fileprivate var canRevoke: Bool { roles.contains(.inviter) }
}
