// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The authority's list of identities that are no longer trusted. A list need not repeat the ones before it:
/// what counts is the union, so the size of a document never stands in the way of a removal.
public struct Revocations: Document {
  /// One identity that is out, by key and for good.
  public struct Entry: Hashable, Sendable, Codable {
    /// The identity.
    public var identity: PublicKey
    /// The site that it was.
    public var site: SiteName
    /// When it was revoked.
    public var at: Timestamp
    /// Why, for people: at most 200 characters, control characters replaced.
    public let reason: String

    /// A revoked identity; a long reason is cut.
    public init(identity: PublicKey, site: SiteName, at: Timestamp, reason: String) {
      self.identity = identity
      self.site = site
      self.at = at
      let printable = reason.unicodeScalars.prefix(200).map { scalar in
        scalar.properties.generalCategory == .control ? " " : Character(scalar)
      }
      self.reason = String(printable)
    }

    /// Decodes an entry; what shows on terminals is made printable.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      self.init(
        identity: try container.decode(PublicKey.self, forKey: .identity),
        site: try container.decode(SiteName.self, forKey: .site),
        at: try container.decode(Timestamp.self, forKey: .at),
        reason: try container.decode(String.self, forKey: .reason))
    }

    enum CodingKeys: String, CodingKey { case identity, site, at, reason }
  }

  /// The mesh.
  public var mesh: MeshName
  /// Grows with each list.
  public var serial: UInt64
  /// The identities.
  public var revoked: [Entry]

  /// A list to be signed by the authority.
  public init(mesh: MeshName, serial: UInt64, revoked: [Entry]) {
    self.mesh = mesh
    self.serial = serial
    self.revoked = revoked
  }

  enum CodingKeys: String, CodingKey { case mesh, serial, revoked }

  /// `revocations`.
  public static let kind = DocumentKind.revocations

  /// The serial.
  public func check() throws(DocumentError) { try Self.checkSerial(serial, CodingKeys.serial) }

  /// The identities as a set.
  public var identities: Set<PublicKey> { Set(revoked.map(\.identity)) }
}
