// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The newest valid documents that a site knows.
///
/// What it holds is a function of the set of documents merged, whatever their order and repetition, and of
/// nothing else: neither the time nor the order of arrival decides what is kept. So any two sites that have
/// seen the same documents hold the same ones.
///
/// Memberships and revocations are those of the newest authority alone. A document whose signer is not known yet
/// is refused and changes nothing, so a succession is to be merged before what the new authority has signed; and
/// where one succession displaces another, what the displaced one had displaced is to be merged again.
public struct Directory: Hashable, Sendable {
  /// The mesh whose documents these are, and the authority that trust begins with.
  public var mesh: MeshIdentity { chain.root }
  /// The authorities since then, their successions and charters.
  private(set) var chain: AuthorityChain
  /// The membership of each site name that counts most: the authority's before an inviter's, then the newest.
  /// Those of revoked sites stay, for their serials.
  public private(set) var memberships: [SiteName: StoredDocument<Membership>] = [:]
  /// The inviters that signed those memberships which the authority has not, as their memberships in it say.
  private(set) var inviters: [SiteName: Membership] = [:]
  /// The newest descriptor of each identity that is not revoked.
  public private(set) var descriptors: [PublicKey: StoredDocument<Descriptor>] = [:]
  /// The lists of revocations that are not wholly repeated by a newer one, the newest first.
  public private(set) var revocations: [StoredDocument<Revocations>] = []
  /// Why each revoked identity is out, by the newest list that says so.
  public private(set) var revoked: [PublicKey: Revocations.Entry] = [:]
  /// All of these by their hashes.
  private(set) var held: [String: Record] = [:]
  /// All of these in brief, but for the successions: how far back they go differs from site to site.
  public private(set) var summary = DirectorySummary()
  /// The names of each identity's memberships.
  private(set) var names: [PublicKey: Set<SiteName>] = [:]
  /// The names whose memberships have the role `relay`.
  private(set) var relays: Set<SiteName> = []
  /// What the memberships claim.
  private(set) var claims = Claims()
  /// The sites that follow from all this; anew with each change.
  private(set) var knownSites = SiteCache()

  /// A directory without documents.
  public init(mesh: MeshIdentity) { chain = AuthorityChain(root: mesh) }

  /// Takes in any document but an invitation and says what it changed: nothing when it is
  /// known or older than what is held. Throws, and changes nothing, for a document that nobody may believe.
  public mutating func merge(
    _ text: String, using cryptography: any Cryptography
  ) throws(DocumentError) -> [DirectoryChange] {
    // A replay costs no signature.
    let hash = DocumentVersion.hash(of: text, using: cryptography)
    guard !holds(hash) else { return [] }
    defer { knownSites = SiteCache() }
    let jws = try JWS(text)
    switch DocumentKind(rawValue: jws.kind) {
    case .membership:
      let membership = try Membership.verified(text, by: chain.readable, using: cryptography)
      try mesh.check(membership.content.mesh)
      return merge(membership, using: cryptography)
    case .descriptor:
      let verified = try Descriptor.verified(jws, in: mesh, under: chain.readable, using: cryptography)
      return merge(verified.membership, using: cryptography)
        + merge(verified.descriptor, of: verified.membership.content, text, hash: hash)
    case .revocations:
      let signer = jws.signer(among: chain.readable, using: cryptography) ?? authority
      let list = try Revocations.verified(text, by: signer, using: cryptography)
      try mesh.check(list.mesh)
      return signer == authority ? merge(list, text, using: cryptography) : []
    case .charter:
      let signer = jws.signer(among: chain.readable, using: cryptography) ?? authority
      let charter = try chain.charter(text, of: signer, by: signer, using: cryptography)
      return signer == authority ? merge(charter, text, using: cryptography) : []
    case .succession:
      return try merge(succession: jws, text, using: cryptography)
    case .invitation, .request, .answer, nil:
      throw .wrongKind(
        found: jws.kind, expected: "a membership, descriptor, revocations, charter or succession")
    }
  }

  private mutating func merge(
    succession jws: JWS, _ text: String, using cryptography: any Cryptography
  ) throws(DocumentError) -> [DirectoryChange] {
    let known = chain.successions
    let (content, change) = try chain.merge(jws, text, using: cryptography)
    let version = DocumentVersion(serial: content.serial, text: text, using: cryptography)
    let fork = known.filter { $0.content.former == content.former && $0.version != version }.map {
      DirectoryChange.forked(.succession, subject: "the authority", $0.version, version)
    }
    switch change {
    case .none: return []
    case .lostFork: return fork
    case .newAuthority(let isFork):
      memberships = [:]
      names = [:]
      claims = Claims()
      relays = []
      inviters = [:]
      revocations = []
      revoked = [:]
      // Those under an authority that has lost cannot be checked by a site that never heard of it.
      if isFork { descriptors = descriptors.filter { isReadable($0.value.content, using: cryptography) } }
      rebuildSummary()
      return (isFork ? fork : []) + [.authority(content.authority, serial: content.serial)]
    }
  }

  private func isReadable(_ descriptor: Descriptor, using cryptography: any Cryptography) -> Bool {
    do throws(DocumentError) {
      _ = try Membership.verified(descriptor.membership, by: chain.readable, using: cryptography)
      return true
    } catch {
      return false
    }
  }

  private mutating func merge(
    _ charter: Charter, _ text: String, using cryptography: any Cryptography
  ) -> [DirectoryChange] {
    let version = DocumentVersion(serial: charter.serial, text: text, using: cryptography)
    let forks = chain.charters.filter { $0.version.serial == version.serial && $0.version != version }
    let isKept = chain.merge(StoredDocument(content: charter, text: text, version: version))
    if isKept { rebuildSummary() }
    return forks.map { .forked(.charter, subject: "the authority", $0.version, version) }
      + (isKept ? [.charter(serial: version.serial)] : [])
  }

  private mutating func merge(
    _ verified: VerifiedMembership, using cryptography: any Cryptography
  ) -> [DirectoryChange] {
    guard verified.authority == authority else { return [] }
    var changes: [DirectoryChange] = []
    if let (content, text) = verified.inviter {
      changes = merge(
        VerifiedMembership(content: content, text: text, authority: authority, inviter: nil),
        using: cryptography)
    }
    let membership = verified.content
    let inviter = verified.inviter?.content
    let version = DocumentVersion(serial: membership.serial, text: verified.text, using: cryptography)
    if let held = memberships[membership.site] {
      let heldInviter = inviters[membership.site]
      if held.version != version, held.version.serial == version.serial,
        heldInviter?.identity == inviter?.identity
      {
        changes.append(.forked(.membership, subject: "site '\(membership.site)'", held.version, version))
      }
      guard Self.outranks((version, inviter), (held.version, heldInviter)) else { return changes }
    }
    hold(StoredDocument(content: membership, text: verified.text, version: version))
    inviters[membership.site] = inviter
    return changes + [.membership(membership.site)]
  }

  /// Which of two memberships of one name counts: the authority's, then that of the inviter admitted first, by
  /// the authority's word, then the newer one. So an inviter puts out nobody whom the authority has admitted.
  private static func outranks(
    _ new: (version: DocumentVersion, inviter: Membership?),
    _ held: (version: DocumentVersion, inviter: Membership?)
  ) -> Bool {
    switch (new.inviter, held.inviter) {
    case (nil, nil): return new.version > held.version
    case (nil, .some): return true
    case (.some, nil): return false
    case (let one?, let other?):
      if (one.notBefore, one.identity) == (other.notBefore, other.identity) {
        return new.version > held.version
      }
      return (one.notBefore, one.identity) < (other.notBefore, other.identity)
    }
  }

  private mutating func merge(
    _ descriptor: Descriptor, of membership: Membership, _ text: String, hash: String
  ) -> [DirectoryChange] {
    let identity = membership.identity
    guard revoked[identity] == nil else { return [] }
    let version = DocumentVersion(serial: descriptor.serial, hash: hash)
    let held = descriptors[identity]?.version
    var fork: [DirectoryChange] = []
    if let held, held != version {
      let follows = held.serial < .max && held.serial + 1 == version.serial
      if held.serial == version.serial || (follows && descriptor.previous != held.hash) {
        fork = [.forked(.descriptor, subject: "site '\(membership.site)'", held, version)]
      }
    }
    if let held, held >= version { return fork }
    hold(StoredDocument(content: descriptor, text: text, version: version), of: identity)
    return fork + [.descriptor(membership.site, identity: identity)]
  }

  private mutating func merge(
    _ list: Revocations, _ text: String, using cryptography: any Cryptography
  ) -> [DirectoryChange] {
    let version = DocumentVersion(serial: list.serial, text: text, using: cryptography)
    let arrived = StoredDocument(content: list, text: text, version: version)
    guard !revocations.contains(where: { $0.version == version || $0.repeats(arrived) }) else { return [] }
    let fork: [DirectoryChange] = revocations.filter { $0.version.serial == version.serial }.map {
      .forked(.revocations, subject: "the authority", $0.version, version)
    }
    for repeated in revocations where arrived.repeats(repeated) {
      drop(Record(repeated.version.hash, repeated))
    }
    revocations.removeAll(where: arrived.repeats)
    revocations.append(arrived)
    keep(Record(version.hash, arrived))
    revocations.sort { $0.version > $1.version }
    let known = revoked
    for list in revocations.reversed() {
      for entry in list.content.revoked { revoked[entry.identity] = entry }
    }
    let out = revoked.values.filter { known[$0.identity] == nil }.sorted { $0.identity < $1.identity }
    for entry in out {
      if let held = descriptors.removeValue(forKey: entry.identity) {
        drop(Record(entry.identity.description, held))
      }
    }
    return fork + out.map { .revoked($0) }
  }
}

// What is held, and what follows from it.
extension Directory {
  /// Whether a document with this hash is held.
  public func holds(_ hash: String) -> Bool { held[hash] != nil }

  private mutating func hold(_ membership: StoredDocument<Membership>) {
    let (site, identity) = (membership.content.site, membership.content.identity)
    if let held = memberships[site] {
      drop(Record(site.description, held))
      names[held.content.identity]?.remove(site)
      if names[held.content.identity]?.isEmpty == true { names[held.content.identity] = nil }
      claims.remove(held.content)
    }
    memberships[site] = membership
    keep(Record(site.description, membership))
    names[identity, default: []].insert(site)
    if membership.content.roles.contains(.relay) { relays.insert(site) } else { relays.remove(site) }
    claims.add(membership.content)
  }

  private mutating func hold(_ descriptor: StoredDocument<Descriptor>, of identity: PublicKey) {
    if let held = descriptors[identity] { drop(Record(identity.description, held)) }
    descriptors[identity] = descriptor
    keep(Record(identity.description, descriptor))
  }

  private mutating func keep(_ record: Record) {
    held[record.version.hash] = record
    summary.toggle(record)
  }

  private mutating func drop(_ record: Record) {
    held[record.version.hash] = nil
    summary.toggle(record)
  }

  /// After a change of who rules, which is rare.
  private mutating func rebuildSummary() {
    held = [:]
    summary = DirectorySummary()
    for succession in chain.successions {
      held[succession.version.hash] = Record(succession.version.hash, succession)
    }
    for charter in chain.charters { keep(Record(charter.version.hash, charter)) }
    for list in revocations { keep(Record(list.version.hash, list)) }
    for (site, membership) in memberships { keep(Record(site.description, membership)) }
    for (identity, descriptor) in descriptors { keep(Record(identity.description, descriptor)) }
  }
}

extension StoredDocument where Content == Revocations {
  /// Whether another list adds nothing to this newer one.
  fileprivate func repeats(_ other: StoredDocument) -> Bool {
    version > other.version && other.content.identities.isSubset(of: content.identities)
  }
}
