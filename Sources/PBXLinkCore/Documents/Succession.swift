// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The recovery key's word that another authority rules the mesh from now on.
///
/// Only what the new authority signs counts after it. What the former one has signed makes nobody a member any
/// more, so a stolen authority key is worth nothing once its successor is known. It can be checked with the
/// former authority alone.
public struct Succession: Document {
  /// The mesh.
  public var mesh: MeshName
  /// The number of the authority, the founder's being 1: which succession is read first.
  public var serial: UInt64
  /// The authority until now.
  public var former: PublicKey
  /// The authority from now on.
  public var authority: PublicKey
  /// The new authority's recovery key; the one that signs this is spent.
  public var recovery: PublicKey
  /// How many memberships the new authority has signed anew; with fewer, its documents are not complete.
  public var memberships: Int
  /// How many revoked identities it has signed anew.
  public var revoked: Int
  /// The former authority's charter that names the signing key. Not needed where that key is known otherwise.
  public var charter: String?
  /// A charter for the new authority, signed by the former one where that key was still at hand: of two
  /// successions by one recovery key the one with it wins, so an exposed recovery key alone is not enough.
  public var consent: String?

  /// A succession to be signed by the recovery key.
  public init(
    mesh: MeshName, serial: UInt64, former: PublicKey, authority: PublicKey, recovery: PublicKey,
    memberships: Int, revoked: Int, charter: String?, consent: String? = nil
  ) {
    self.mesh = mesh
    self.serial = serial
    self.former = former
    self.authority = authority
    self.recovery = recovery
    self.memberships = memberships
    self.revoked = revoked
    self.charter = charter
    self.consent = consent
  }

  /// `succession`.
  public static let kind = DocumentKind.succession

  /// Serial, counts and keys.
  public func check() throws(DocumentError) {
    try Self.checkSerial(serial, CodingKeys.serial)
    for key in [authority, recovery] where !Ed25519.isStrong(key) { throw .weakKey(key) }
    guard Set([former, authority, recovery]).count == 3 else {
      throw Self.invalid(CodingKeys.authority, "former, authority and recovery must be different keys")
    }
    guard memberships >= 0, revoked >= 0 else {
      throw Self.invalid(CodingKeys.memberships, "a negative number")
    }
  }
}
