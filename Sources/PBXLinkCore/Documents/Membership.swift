// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The authority's word that an identity is a site of the mesh, and what that site may claim.
public struct Membership: Document {
  /// The mesh.
  public var mesh: MeshName
  /// The site's name.
  public var site: SiteName
  /// The site's Ed25519 key.
  public var identity: PublicKey
  /// The site's tunnel addresses: one IPv4, and an IPv6 behind it or none.
  public var addresses: [IPAddress]
  /// The extensions that the site may announce.
  public var extensions: [ExtensionPattern]
  /// What else it may do.
  public var roles: [Role]
  /// Grows with each membership of this site name, also with another identity.
  public var serial: UInt64
  /// The start of its validity.
  public var notBefore: Timestamp
  /// The end of its validity: an alarm, never a cut.
  public var notAfter: Timestamp
  /// What the site may grant to others in the authority's place; nil for nothing.
  public var delegation: Delegation?
  /// The site that admitted this one in the authority's place; nil where the authority did.
  public var admittedBy: SiteName?
  /// That site's own membership where it has signed this one, so that this one can be checked alone.
  public var inviter: String?

  /// A membership to be signed by the authority, or by a site to which it has delegated that.
  public init(
    mesh: MeshName, site: SiteName, identity: PublicKey, addresses: [IPAddress],
    extensions: [ExtensionPattern], roles: [Role] = [], serial: UInt64, notBefore: Timestamp,
    notAfter: Timestamp, delegation: Delegation? = nil, admittedBy: SiteName? = nil, inviter: String? = nil
  ) {
    self.mesh = mesh
    self.site = site
    self.identity = identity
    self.addresses = addresses
    self.extensions = extensions
    self.roles = roles.sorted()
    self.serial = serial
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.delegation = delegation
    self.admittedBy = admittedBy
    self.inviter = inviter
  }

  enum CodingKeys: String, CodingKey {
    case mesh, site, identity, addresses, extensions, roles, serial, delegation, inviter
    case admittedBy = "admitted_by"
    case notBefore = "not_before"
    case notAfter = "not_after"
  }

  /// `membership`.
  public static let kind = DocumentKind.membership

  /// Serial, identity, addresses, validity and emergency numbers.
  public func check() throws(DocumentError) {
    try Self.checkSerial(serial, CodingKeys.serial)
    guard Ed25519.isStrong(identity) else { throw .weakKey(identity) }
    guard addresses.map(\.family) == [.v4] || addresses.map(\.family) == [.v4, .v6] else {
      throw Self.invalid(CodingKeys.addresses, "one IPv4 address, then at most one IPv6 address, expected")
    }
    guard notBefore < notAfter else { throw Self.invalid(CodingKeys.notAfter, "it is not after not_before") }
    try Self.checkExtensions(extensions)
    if let delegation { try Self.checkExtensions(delegation.extensions) }
  }
}
