// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Directory {
  /// The newest descriptor known of an identity; one's own too, as the peers know it.
  public func descriptor(of identity: PublicKey) -> StoredDocument<Descriptor>? { descriptors[identity] }

  /// The membership of an identity while it is the newest of its site name.
  public func membership(of identity: PublicKey) -> StoredDocument<Membership>? {
    // Only an inviter may have given one identity two names; the authority's word goes before.
    names[identity]?.compactMap { memberships[$0] }
      .min { rank($0.content) < rank($1.content) }
  }

  /// The identities that are out.
  public var revokedIdentities: Set<PublicKey> { Set(revoked.keys) }

  /// The serial for the next membership of a site name.
  public func nextMembershipSerial(of site: SiteName) -> UInt64 {
    (memberships[site]?.version.serial ?? 0) + 1
  }

  /// Serial and `previous` for the next descriptor of an identity.
  public func nextDescriptor(of identity: PublicKey) -> (serial: UInt64, previous: String?) {
    let held = descriptors[identity]?.version
    return ((held?.serial ?? 0) + 1, held?.hash)
  }

  /// The list for the authority to sign so that one more identity is out. It repeats the newest list while
  /// both fit a document with room to spare, and else begins a new one.
  public func nextRevocations(adding entry: Revocations.Entry) -> Revocations {
    let newest = revocations.first
    let repeated = (newest?.content.revoked ?? []).filter { $0.identity != entry.identity }
    let fits = (newest?.text.utf8.count ?? 0) < JWS.sizeLimit * 3 / 4
    return Revocations(
      mesh: mesh.name, serial: (newest?.version.serial ?? 0) + 1, revoked: (fits ? repeated : []) + [entry])
  }
}
