// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The authority's word on the recovery key: who may name another authority when this one is lost or stolen.
public struct Charter: Document {
  /// The mesh.
  public var mesh: MeshName
  /// The authority that this is about.
  public var authority: PublicKey
  /// The Ed25519 key whose private half is kept on paper.
  public var recovery: PublicKey
  /// The authorities before this one, the newest last: a descriptor that carries a membership of theirs can be
  /// read until its site has written another. Nil when there were none.
  public var former: [PublicKey]?
  /// Grows with each charter of this authority.
  public var serial: UInt64

  /// A charter to be signed by the authority; of many former authorities the newest are named.
  public init(
    mesh: MeshName, authority: PublicKey, recovery: PublicKey, former: [PublicKey] = [], serial: UInt64
  ) {
    self.mesh = mesh
    self.authority = authority
    self.recovery = recovery
    self.former = former.isEmpty ? nil : former.suffix(Self.formerLimit)
    self.serial = serial
  }

  /// `charter`.
  public static let kind = DocumentKind.charter
  private static let formerLimit = 16

  /// Serial and keys.
  public func check() throws(DocumentError) {
    try Self.checkSerial(serial, CodingKeys.serial)
    for key in [authority, recovery] where !Ed25519.isStrong(key) { throw .weakKey(key) }
    guard authority != recovery else {
      throw Self.invalid(CodingKeys.recovery, "it is the authority's own key")
    }
    guard former?.count ?? 0 <= Self.formerLimit else {
      throw Self.invalid(CodingKeys.former, "more than \(Self.formerLimit) keys")
    }
  }
}
