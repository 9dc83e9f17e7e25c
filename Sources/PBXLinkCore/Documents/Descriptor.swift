// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A site's own word on how to reach it now.
public struct Descriptor: Document {
  /// The WireGuard side of a site.
  public struct WireGuard: Hashable, Sendable, Codable {
    /// The interface's X25519 key.
    public var publicKey: PublicKey
    /// The key that will take its place; nil from a site whose pbxlink does not rotate keys.
    public var nextPublicKey: PublicKey?
    /// Where its UDP port may be reached; empty behind NAT.
    public var endpoints: [Endpoint]

    /// The keys and the endpoints.
    public init(publicKey: PublicKey, nextPublicKey: PublicKey? = nil, endpoints: [Endpoint]) {
      self.publicKey = publicKey
      self.nextPublicKey = nextPublicKey
      self.endpoints = endpoints
    }

    enum CodingKeys: String, CodingKey {
      case publicKey = "public_key"
      case nextPublicKey = "next_public_key"
      case endpoints
    }
  }

  /// The OpenVPN side of a site.
  public struct OpenVPN: Hashable, Sendable, Codable {
    /// Of its certificate: what the peer pins.
    public var fingerprint: CertificateFingerprint
    /// Where its TCP port may be reached; empty when it only calls others.
    public var endpoints: [Endpoint]

    /// The fingerprint and the endpoints.
    public init(fingerprint: CertificateFingerprint, endpoints: [Endpoint]) {
      self.fingerprint = fingerprint
      self.endpoints = endpoints
    }
  }

  /// A key from which the IAX2 secrets with each peer are derived.
  public struct TrunkKey: Hashable, Sendable, Codable {
    /// Grows by one with each rotation.
    public var generation: UInt32
    /// The X25519 key.
    public var publicKey: PublicKey

    /// A key and its generation.
    public init(generation: UInt32, publicKey: PublicKey) {
      self.generation = generation
      self.publicKey = publicKey
    }

    enum CodingKeys: String, CodingKey {
      case generation
      case publicKey = "public_key"
    }
  }

  /// The IAX2 side of a site.
  public struct Trunk: Hashable, Sendable, Codable {
    /// One key, or two during a rotation.
    public var keys: [TrunkKey]
    /// Asterisk's IAX2 UDP port inside the tunnel.
    public var port: UInt16
    /// Most simultaneous calls with one peer, both directions together.
    public var callLimit: Int
    /// Codecs by Asterisk's names, the preferred one first.
    public var codecs: [String]
    /// Whether calls are encrypted by IAX2 inside the tunnel too.
    public var encryption: Bool

    /// The trunk settings that peers must know.
    public init(keys: [TrunkKey], port: UInt16, callLimit: Int, codecs: [String], encryption: Bool) {
      self.keys = keys
      self.port = port
      self.callLimit = callLimit
      self.codecs = codecs
      self.encryption = encryption
    }

    /// The key of the highest generation.
    public var newestKey: TrunkKey? { keys.max { $0.generation < $1.generation } }

    enum CodingKeys: String, CodingKey {
      case keys, port, codecs, encryption
      case callLimit = "call_limit"
    }
  }

  /// The membership that the site holds, as the authority signed it.
  public var membership: String
  /// Grows with each descriptor of this identity.
  public var serial: UInt64
  /// SHA-256 in base64url of the descriptor before this one; nil in the first. A site that was cloned or put
  /// back in time shows by it.
  public var previous: String?
  /// When the site signed it.
  public var issuedAt: Timestamp
  /// When the site should have signed another one: an alarm, never a cut.
  public var expiresAt: Timestamp
  /// How to reach its tunnel.
  public var wireguard: WireGuard
  /// How to reach it where UDP does not get through; nil when it does not offer that.
  public var openvpn: OpenVPN?
  /// How to call it.
  public var trunk: Trunk
  /// The extensions that it has, within those of its membership.
  public var extensions: [ExtensionPattern]
  /// The version of its agent.
  public var agentVersion: String
  /// Tunnel addresses that the site claims, within those of its membership; nil for all of those.
  public var addresses: [IPAddress]?

  /// A descriptor to be signed by the site's identity.
  public init(
    membership: String, serial: UInt64, previous: String?, issuedAt: Timestamp, expiresAt: Timestamp,
    wireguard: WireGuard, openvpn: OpenVPN? = nil, trunk: Trunk, extensions: [ExtensionPattern],
    agentVersion: String,
    addresses: [IPAddress]? = nil
  ) {
    self.membership = membership
    self.serial = serial
    self.previous = previous
    self.issuedAt = issuedAt
    self.expiresAt = expiresAt
    self.wireguard = wireguard
    self.openvpn = openvpn
    self.trunk = trunk
    self.extensions = extensions
    self.agentVersion = agentVersion
    self.addresses = addresses
  }

  enum CodingKeys: String, CodingKey {
    case membership, serial, previous, wireguard, openvpn, trunk, extensions, addresses
    case issuedAt = "issued_at"
    case expiresAt = "expires_at"
    case agentVersion = "agent_version"
  }

  /// `descriptor`.
  public static let kind = DocumentKind.descriptor
}
