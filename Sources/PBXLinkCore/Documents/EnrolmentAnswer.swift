// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What the authority sends back on a request: the new site's membership, and what a site must know of its mesh.
/// The documents of the other sites go beside it.
///
/// It brings the authority's key along, so its signature shows that it is whole, not that the mesh is the right
/// one: for that the two admins compare the authority's ``PublicKey/fingerprint(using:)``.
public struct EnrolmentAnswer: Document {
  /// The mesh's authority.
  public var authority: PublicKey
  /// The prefixes that hold the mesh's tunnel addresses.
  public var networks: [IPPrefix]
  /// The new site's membership, as the authority signed it.
  public var membership: String
  /// When it was signed.
  public var issuedAt: Timestamp

  /// An answer to be signed by the authority.
  public init(authority: PublicKey, networks: [IPPrefix], membership: String, issuedAt: Timestamp) {
    self.authority = authority
    self.networks = networks
    self.membership = membership
    self.issuedAt = issuedAt
  }

  enum CodingKeys: String, CodingKey {
    case authority, networks, membership
    case issuedAt = "issued_at"
  }

  /// `answer`.
  public static let kind = DocumentKind.answer

  /// The authority, and that there is an IPv4 network.
  public func check() throws(DocumentError) {
    guard Ed25519.isStrong(authority) else { throw .weakKey(authority) }
    guard networks.map(\.family) == [.v4] || networks.map(\.family) == [.v4, .v6] else {
      throw Self.invalid(CodingKeys.networks, "one IPv4 network, then at most one IPv6 network, expected")
    }
  }

  /// An answer with its membership taken out.
  public struct Opened: Hashable, Sendable {
    /// What was signed.
    public let answer: EnrolmentAnswer
    /// The membership in it.
    public let membership: Membership

    /// The mesh.
    public var mesh: Mesh {
      Mesh(
        identity: MeshIdentity(name: membership.mesh, authority: answer.authority), networks: answer.networks,
        site: membership.site)
    }
  }

  /// The answer in a signed text. Throws for one that is not whole or not signed by the authority in it.
  public static func open(
    _ text: String, using cryptography: any Cryptography
  ) throws(DocumentError) -> Opened {
    let jws = try JWS(text)
    guard jws.kind == kind.rawValue else { throw .wrongKind(found: jws.kind, expected: "an answer") }
    let claim: AuthorityClaim = try decodePayload(jws.unverifiedPayload, kind: kind)
    let answer = try verified(text, by: claim.authority, using: cryptography)
    let membership = try Membership.verified(answer.membership, by: answer.authority, using: cryptography)
    return Opened(answer: answer, membership: membership)
  }

  private struct AuthorityClaim: Decodable {
    let authority: PublicKey
  }
}
