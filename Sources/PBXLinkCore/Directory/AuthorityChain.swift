// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Who rules a mesh and who ruled it before, from the authority under which this site came in.
///
/// An authority is followed by the one that its recovery key names. Of two successors the one counts whose
/// signing key was named first: a recovery key known from the authority's beginning, then those of its charters
/// by serial. So whoever has stolen an authority key cannot have it followed by one of his own while the
/// recovery key is in better hands. Between two by one recovery key the former authority's consent decides, then
/// the hash.
struct AuthorityChain: Hashable, Sendable {
  /// A succession and how well it stands against another from the same authority: less is better.
  private struct Link: Hashable, Sendable {
    let document: StoredDocument<Succession>
    let signer: PublicKey
    let charterSerial: UInt64
    var standing: (UInt64, Int, String) {
      (charterSerial, document.content.consent == nil ? 1 : 0, document.version.hash)
    }
  }

  /// What a document changed.
  enum Change {
    case none
    case newAuthority(isFork: Bool)
    case lostFork
  }

  /// The mesh and its first authority, as far as this site goes back.
  let root: MeshIdentity
  private var links: [Link] = []
  /// The oldest and the newest charter of the authority.
  private(set) var charters: [StoredDocument<Charter>] = []

  init(root: MeshIdentity) { self.root = root }

  /// The successions, the first one first.
  var successions: [StoredDocument<Succession>] { links.map(\.document) }
  /// The authorities, the present one last.
  var authorities: [PublicKey] { [root.authority] + links.map(\.document.content.authority) }
  /// The authority now.
  var current: PublicKey { links.last?.document.content.authority ?? root.authority }
  /// The authorities whose signature can be checked, the present one last.
  var readable: [PublicKey] { (charters.last?.content.former ?? []) + authorities }
  /// The recovery key of the present authority that stands best.
  var recovery: PublicKey? { recovery(at: links.count) ?? charters.first?.content.recovery }

  /// The key that has signed a succession.
  func signer(of version: DocumentVersion) -> PublicKey? {
    links.first { $0.document.version == version }?.signer
  }

  /// The recovery keys that may name the next authority.
  var recoveryKeys: Set<PublicKey> {
    Set(charters.map(\.content.recovery) + (recovery(at: links.count).map { [$0] } ?? []))
  }

  /// The one that came with the authority itself; a charter cannot displace it.
  private func recovery(at index: Int) -> PublicKey? {
    index == 0 ? root.recovery : links[index - 1].document.content.recovery
  }

  /// Takes in a charter; true when it is kept.
  mutating func merge(
    _ charter: StoredDocument<Charter>
  ) -> Bool {
    let all = Set(charters + [charter]).sorted { $0.version < $1.version }
    let kept = all.count > 2 ? [all[0], all[all.count - 1]] : all
    defer { charters = kept }
    return kept != charters
  }

  /// Takes in a succession whose signatures are not checked yet.
  mutating func merge(
    _ jws: JWS, _ text: String, using cryptography: any Cryptography
  ) throws(DocumentError) -> (Succession, Change) {
    let (index, content, signer, charterSerial) = try verify(jws, using: cryptography)
    let version = DocumentVersion(serial: content.serial, text: text, using: cryptography)
    let document = StoredDocument(content: content, text: text, version: version)
    let link = Link(document: document, signer: signer, charterSerial: charterSerial)
    let held = index < links.count ? links[index] : nil
    if held?.document.version == version { return (content, .none) }
    if let held, held.standing < link.standing { return (content, .lostFork) }
    links = links.prefix(index) + [link]
    charters = []
    return (content, .newAuthority(isFork: held != nil))
  }

  /// Which authority a succession follows, and the serial of the charter that names its signer: 0 for the key
  /// that came with the authority.
  private func verify(
    _ jws: JWS, using cryptography: any Cryptography
  ) throws(DocumentError) -> (index: Int, content: Succession, signer: PublicKey, charterSerial: UInt64) {
    let unknown = DocumentError.unknownSigner(kind: .succession, keyID: jws.keyID)
    // Only the payload says whom it follows; the recovery key's signature vouches for it below.
    let claim = try Succession(payload: jws.unverifiedPayload)
    try root.check(claim.mesh)
    guard let index = authorities.firstIndex(of: claim.former),
      !authorities[...index].contains(claim.authority)
    else { throw unknown }
    let signer: (key: PublicKey, serial: UInt64)
    if let own = recovery(at: index), own.thumbprint(using: cryptography) == jws.keyID {
      signer = (own, 0)
    } else {
      guard let text = claim.charter else { throw unknown }
      let charter = try self.charter(text, of: claim.former, by: claim.former, using: cryptography)
      signer = (charter.recovery, charter.serial)
    }
    let payload = try jws.payload(kind: .succession, signedBy: signer.key, using: cryptography)
    let content = try Succession(payload: payload)
    if let text = content.consent {
      let consent = try charter(text, of: content.authority, by: content.former, using: cryptography)
      guard consent.recovery == content.recovery else {
        throw .badPayload(kind: .succession, key: "consent", reason: "it names another recovery key")
      }
    }
    return (index, content, signer.key, signer.serial)
  }

  /// A charter about one authority, signed by one, once that is known to be so.
  func charter(
    _ text: String, of authority: PublicKey, by signer: PublicKey, using cryptography: any Cryptography
  ) throws(DocumentError) -> Charter {
    let charter = try Charter.verified(text, by: signer, using: cryptography)
    try root.check(charter.mesh)
    guard charter.authority == authority else {
      throw .badPayload(kind: .charter, key: "authority", reason: "it is not the key that it should be about")
    }
    return charter
  }
}
