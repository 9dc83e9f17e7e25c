// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The newest valid documents that a site knows.
///
/// What it holds is a function of the set of documents merged, whatever their order and repetition, and of
/// nothing else: neither the time nor the order of arrival decides what is kept. So any two sites that have
/// seen the same documents hold the same ones.
public struct Directory: Hashable, Sendable {
  /// The mesh whose documents these are.
  public let mesh: MeshIdentity
  /// The newest membership of each site name. Those of revoked sites stay, for their serials.
  public private(set) var memberships: [SiteName: StoredDocument<Membership>] = [:]
  /// The newest descriptor of each identity that is not revoked.
  public private(set) var descriptors: [PublicKey: StoredDocument<Descriptor>] = [:]
  /// The lists of revocations that are not wholly repeated by a newer one, the newest first.
  public private(set) var revocations: [StoredDocument<Revocations>] = []
  /// Why each revoked identity is out, by the newest list that says so.
  public private(set) var revoked: [PublicKey: Revocations.Entry] = [:]

  /// A directory without documents.
  public init(mesh: MeshIdentity) { self.mesh = mesh }

  /// Takes in a membership, descriptor or list of revocations and says what it changed: nothing when it is
  /// known or older than what is held. Throws, and changes nothing, for a document that nobody may believe.
  public mutating func merge(
    _ text: String, using cryptography: any Cryptography
  ) throws(DocumentError) -> [DirectoryChange] {
    let jws = try JWS(text)
    switch DocumentKind(rawValue: jws.kind) {
    case .membership:
      let membership = try Membership.verified(text, by: mesh.authority, using: cryptography)
      try mesh.check(membership.mesh)
      return merge(membership, text, using: cryptography)
    case .descriptor:
      let verified = try Descriptor.verified(jws, in: mesh, using: cryptography)
      return merge(verified.membership, verified.membershipText, using: cryptography)
        + merge(verified.descriptor, of: verified.membership, text, using: cryptography)
    case .revocations:
      let list = try Revocations.verified(text, by: mesh.authority, using: cryptography)
      try mesh.check(list.mesh)
      return merge(list, text, using: cryptography)
    case .invitation, .request, .answer, nil:
      throw .wrongKind(found: jws.kind, expected: "a membership, descriptor or revocations")
    }
  }

  private mutating func merge(
    _ membership: Membership, _ text: String, using cryptography: any Cryptography
  ) -> [DirectoryChange] {
    let version = DocumentVersion(serial: membership.serial, text: text, using: cryptography)
    let held = memberships[membership.site]?.version
    let fork: [DirectoryChange] =
      held?.serial == version.serial && held != version
      ? [.forked(.membership, subject: "site '\(membership.site)'", serial: version.serial)] : []
    if let held, held >= version { return fork }
    memberships[membership.site] = StoredDocument(content: membership, text: text, version: version)
    return fork + [.membership(membership.site)]
  }

  private mutating func merge(
    _ descriptor: Descriptor, of membership: Membership, _ text: String, using cryptography: any Cryptography
  ) -> [DirectoryChange] {
    let identity = membership.identity
    guard revoked[identity] == nil else { return [] }
    let version = DocumentVersion(serial: descriptor.serial, text: text, using: cryptography)
    let held = descriptors[identity]?.version
    var fork: [DirectoryChange] = []
    if let held, held != version {
      let follows = held.serial < .max && held.serial + 1 == version.serial
      if held.serial == version.serial || (follows && descriptor.previous != held.hash) {
        let subject = "site '\(membership.site)'"
        fork = [.forked(.descriptor, subject: subject, serial: version.serial)]
      }
    }
    if let held, held >= version { return fork }
    descriptors[identity] = StoredDocument(content: descriptor, text: text, version: version)
    return fork + [.descriptor(membership.site, identity: identity)]
  }

  private mutating func merge(
    _ list: Revocations, _ text: String, using cryptography: any Cryptography
  ) -> [DirectoryChange] {
    let version = DocumentVersion(serial: list.serial, text: text, using: cryptography)
    let arrived = StoredDocument(content: list, text: text, version: version)
    guard !revocations.contains(where: { $0.version == version || $0.repeats(arrived) }) else { return [] }
    let fork: [DirectoryChange] =
      revocations.contains { $0.version.serial == version.serial }
      ? [.forked(.revocations, subject: "the authority", serial: version.serial)] : []
    revocations.removeAll(where: arrived.repeats)
    revocations.append(arrived)
    revocations.sort { $0.version > $1.version }
    let known = revoked
    for list in revocations.reversed() {
      for entry in list.content.revoked { revoked[entry.identity] = entry }
    }
    let out = revoked.values.filter { known[$0.identity] == nil }.sorted { $0.identity < $1.identity }
    for entry in out { descriptors[entry.identity] = nil }
    return fork + out.map { .revoked($0) }
  }
}

extension StoredDocument where Content == Revocations {
  /// Whether another list adds nothing to this newer one.
  fileprivate func repeats(_ other: Self) -> Bool {
    version > other.version && other.content.identities.isSubset(of: content.identities)
  }
}
