// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A new server's request to become a site, for when there is no network between it and the mesh. It is signed by
/// the server's own identity and holds no secret.
///
/// The signature shows that the request is whole and that its sender has the identity's private key. Whose server
/// that is, it does not show: for that the two admins compare ``PublicKey/fingerprint(using:)``.
public struct EnrolmentRequest: Document {
  /// The server's Ed25519 key.
  public var identity: PublicKey
  /// The name that its admin would like.
  public var site: SiteName?
  /// When it was signed.
  public var issuedAt: Timestamp
  /// When it is refused as stale.
  public var expiresAt: Timestamp
  /// How to reach its tunnel.
  public var wireguard: Descriptor.WireGuard
  /// How to reach it where UDP does not get through; nil when it does not offer that.
  public var openvpn: Descriptor.OpenVPN?
  /// How to call it.
  public var trunk: Descriptor.Trunk

  /// How long a request can be used: 30 days.
  public static let lifetime: Int64 = 30 * 86_400

  /// The request of a server with this site file and these keys.
  public init(_ configuration: Configuration, _ keys: AgentKeys, wishing site: SiteName?, at now: Timestamp) {
    identity = keys.identity.publicKey
    self.site = site
    issuedAt = now
    expiresAt = now + Self.lifetime
    wireguard = Descriptor.WireGuard(configuration, keys)
    openvpn = Descriptor.OpenVPN(configuration, keys)
    trunk = Descriptor.Trunk(configuration, keys.trunk)
  }

  enum CodingKeys: String, CodingKey {
    case identity, site, wireguard, openvpn, trunk
    case issuedAt = "issued_at"
    case expiresAt = "expires_at"
  }

  /// `request`.
  public static let kind = DocumentKind.request

  /// The identity, the times, and what holds for a descriptor.
  public func check() throws(DocumentError) {
    guard Ed25519.isStrong(identity) else { throw .weakKey(identity) }
    do {
      try descriptor(of: "").check()
    } catch .badPayload(_, let key, let reason) {
      throw .badPayload(kind: Self.kind, key: key, reason: reason)
    }
  }

  /// The request in a signed text. Throws for one that is not whole, not signed by the identity in it, or stale.
  public static func read(
    _ text: String, at now: Timestamp, using cryptography: any Cryptography
  ) throws -> EnrolmentRequest {
    let request = try verified(text, by: try identity(in: text, using: cryptography), using: cryptography)
    guard now < request.expiresAt else { throw EnrolmentError.requestExpired(request.expiresAt) }
    return request
  }

  /// The identity that has signed the request in a text.
  public static func identity(
    in text: String, using cryptography: any Cryptography
  ) throws(DocumentError) -> PublicKey {
    let jws = try JWS(text)
    guard jws.kind == kind.rawValue else { throw .wrongKind(found: jws.kind, expected: "a request") }
    let claim: IdentityClaim = try decodePayload(jws.unverifiedPayload, kind: kind)
    _ = try jws.payload(kind: kind, signedBy: claim.identity, using: cryptography)
    return claim.identity
  }

  /// What its first descriptor says, but for the extensions.
  func descriptor(of membership: String) -> Descriptor {
    Descriptor(
      membership: membership, serial: 1, previous: nil, issuedAt: issuedAt, expiresAt: expiresAt,
      wireguard: wireguard, openvpn: openvpn, trunk: trunk, extensions: [], agentVersion: Version.current)
  }

  private struct IdentityClaim: Decodable {
    let identity: PublicKey
  }
}
