// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Everything that a new site needs for its first contact, on one line. Whoever has it can join in the invited
/// site's place, so the admin hands it over on a channel of his own. It brings the authority's key along: its
/// signature shows that the line came whole and unaltered, not that the mesh is the right one.
public struct Invitation: Document {
  /// The site that lets the new one in.
  public struct Inviter: Hashable, Sendable, Codable {
    /// Its name.
    public var site: SiteName
    /// Its WireGuard key.
    public var publicKey: PublicKey
    /// Its tunnel addresses.
    public var addresses: [IPAddress]
    /// Where its tunnel can be reached.
    public var endpoints: [Endpoint]
    /// The TCP port of its exchange inside the tunnel.
    public var exchangePort: UInt16

    /// An inviter.
    public init(
      site: SiteName, publicKey: PublicKey, addresses: [IPAddress], endpoints: [Endpoint],
      exchangePort: UInt16
    ) {
      self.site = site
      self.publicKey = publicKey
      self.addresses = addresses
      self.endpoints = endpoints
      self.exchangePort = exchangePort
    }

    enum CodingKeys: String, CodingKey {
      case site, addresses, endpoints
      case publicKey = "wireguard_public_key"
      case exchangePort = "exchange_port"
    }
  }

  /// The throw-away end of the tunnel that the inviter already allows.
  public struct Tunnel: Hashable, Sendable, Codable {
    /// The X25519 private key.
    public var privateKey: Secret
    /// The address to use until the membership gives a lasting one.
    public var address: IPAddress

    /// A throw-away tunnel end.
    public init(privateKey: Secret, address: IPAddress) {
      self.privateKey = privateKey
      self.address = address
    }

    /// Decodes key and address; an error never repeats the key.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      privateKey = try container.decodeSecret(forKey: .privateKey, byteCount: 32)
      address = try container.decode(IPAddress.self, forKey: .address)
    }

    /// Encodes key and address.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(Base64URL.encode(privateKey.exposedBytes), forKey: .privateKey)
      try container.encode(address, forKey: .address)
    }

    enum CodingKeys: String, CodingKey {
      case privateKey = "private_key"
      case address
    }
  }

  /// The way in over TCP, where UDP does not get through.
  public struct OpenVPN: Hashable, Sendable, Codable {
    /// Where the inviter's OpenVPN can be reached.
    public var endpoints: [Endpoint]
    /// The certificate that it shows there. The new site shows the one that belongs to the throw-away key.
    public var fingerprint: CertificateFingerprint
    /// The address to use there until the membership gives a lasting one.
    public var address: IPAddress

    /// A way in.
    public init(endpoints: [Endpoint], fingerprint: CertificateFingerprint, address: IPAddress) {
      self.endpoints = endpoints
      self.fingerprint = fingerprint
      self.address = address
    }
  }

  /// The mesh.
  public var mesh: MeshName
  /// The name that the new site will have.
  public var site: SiteName
  /// The mesh's authority.
  public var authority: PublicKey
  /// The authority's recovery key; nil where the inviter knows none.
  public var recovery: PublicKey?
  /// The key that signs this line where it is not the authority's: that of a site which admits in its place.
  public var signer: PublicKey?
  /// Who lets it in.
  public var inviter: Inviter
  /// Its way in.
  public var tunnel: Tunnel
  /// Its way in over TCP; nil where the inviter has none.
  public var openvpn: OpenVPN?
  /// The prefixes that hold the mesh's tunnel addresses.
  public var networks: [IPPrefix]
  /// Proves once, inside the tunnel, that this is the invited site: 16 bytes.
  public var secret: Secret
  /// When the inviter stops letting it in.
  public var expiresAt: Timestamp

  /// An invitation to be signed by the authority.
  public init(
    mesh: MeshName, site: SiteName, authority: PublicKey, recovery: PublicKey? = nil,
    signer: PublicKey? = nil, inviter: Inviter, tunnel: Tunnel, openvpn: OpenVPN? = nil, networks: [IPPrefix],
    secret: Secret, expiresAt: Timestamp
  ) {
    self.mesh = mesh
    self.site = site
    self.authority = authority
    self.recovery = recovery
    self.signer = signer
    self.inviter = inviter
    self.tunnel = tunnel
    self.openvpn = openvpn
    self.networks = networks
    self.secret = secret
    self.expiresAt = expiresAt
  }

  /// The mesh that it invites to.
  public var meshIdentity: MeshIdentity {
    MeshIdentity(name: mesh, authority: authority, recovery: recovery)
  }

  /// `invitation`.
  public static let kind = DocumentKind.invitation

  /// Lengths of the secrets, and that there is somewhere to go.
  public func check() throws(DocumentError) {
    for key in [authority, recovery ?? authority] where !Ed25519.isStrong(key) { throw .weakKey(key) }
    guard !inviter.endpoints.isEmpty else { throw Self.invalid(CodingKeys.inviter, "no endpoints") }
    guard !inviter.addresses.isEmpty else { throw Self.invalid(CodingKeys.inviter, "no addresses") }
    guard inviter.exchangePort > 0 else { throw Self.invalid(CodingKeys.inviter, "exchange_port 0") }
    guard !networks.isEmpty else { throw Self.invalid(CodingKeys.networks, "it is empty") }
    guard tunnel.privateKey.exposedBytes.count == 32 else {
      throw Self.invalid(CodingKeys.tunnel, "private_key does not have 32 bytes")
    }
    guard openvpn.map({ !$0.endpoints.isEmpty && $0.address.family == .v4 }) ?? true else {
      throw Self.invalid(CodingKeys.openvpn, "no endpoints, or no IPv4 address")
    }
    guard secret.exposedBytes.count == 16 else {
      throw Self.invalid(CodingKeys.secret, "it does not have 16 bytes")
    }
  }

  enum CodingKeys: String, CodingKey {
    case mesh, site, authority, recovery, signer, inviter, tunnel, openvpn, networks, secret
    case expiresAt = "expires_at"
  }

  /// Decodes an invitation; an error never repeats a secret.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    mesh = try container.decode(MeshName.self, forKey: .mesh)
    site = try container.decode(SiteName.self, forKey: .site)
    authority = try container.decode(PublicKey.self, forKey: .authority)
    recovery = try container.decodeIfPresent(PublicKey.self, forKey: .recovery)
    signer = try container.decodeIfPresent(PublicKey.self, forKey: .signer)
    inviter = try container.decode(Inviter.self, forKey: .inviter)
    tunnel = try container.decode(Tunnel.self, forKey: .tunnel)
    openvpn = try container.decodeIfPresent(OpenVPN.self, forKey: .openvpn)
    networks = try container.decode([IPPrefix].self, forKey: .networks)
    secret = try container.decodeSecret(forKey: .secret, byteCount: 16)
    expiresAt = try container.decode(Timestamp.self, forKey: .expiresAt)
  }

  /// Encodes an invitation with its secrets.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(mesh, forKey: .mesh)
    try container.encode(site, forKey: .site)
    try container.encode(authority, forKey: .authority)
    try container.encodeIfPresent(recovery, forKey: .recovery)
    try container.encodeIfPresent(signer, forKey: .signer)
    try container.encode(inviter, forKey: .inviter)
    try container.encode(tunnel, forKey: .tunnel)
    try container.encodeIfPresent(openvpn, forKey: .openvpn)
    try container.encode(networks, forKey: .networks)
    try container.encode(Base64URL.encode(secret.exposedBytes), forKey: .secret)
    try container.encode(expiresAt, forKey: .expiresAt)
  }
}

extension KeyedDecodingContainer {
  /// Reads base64url of a fixed length; the error does not quote it.
  fileprivate func decodeSecret(forKey key: Key, byteCount: Int) throws -> Secret {
    guard let bytes = Base64URL.decode(try decode(String.self, forKey: key)), bytes.count == byteCount else {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: self, debugDescription: "it is not \(byteCount) bytes in base64url")
    }
    return Secret(bytes)
  }
}
