// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The two ends and the key generations that an IAX2 secret belongs to. A secret serves calls in one direction.
public struct TrunkDirection: Hashable, Sendable {
  /// The mesh's name.
  public let mesh: MeshName
  /// The site that places the calls.
  public let caller: SiteName
  /// The site that takes the calls.
  public let callee: SiteName
  /// The generation of the caller's trunk key.
  public let callerGeneration: UInt32
  /// The generation of the callee's trunk key.
  public let calleeGeneration: UInt32

  /// A direction between two sites.
  public init(
    mesh: MeshName, caller: SiteName, callee: SiteName, callerGeneration: UInt32, calleeGeneration: UInt32
  ) {
    self.mesh = mesh
    self.caller = caller
    self.callee = callee
    self.callerGeneration = callerGeneration
    self.calleeGeneration = calleeGeneration
  }
}

/// Our own trunk key of one generation; it derives the IAX2 secrets shared with a peer.
public protocol TrunkKey: Sendable {
  /// The generation, from 1.
  var generation: UInt32 { get }
  /// The X25519 public key that the descriptor announces.
  var publicKey: PublicKey { get }
  /// The secret of one direction: X25519 with the peer's key, then HKDF-SHA256 over the direction.
  func secret(for direction: TrunkDirection, with peer: PublicKey) throws -> Secret
  /// The key of 256 bytes by which the OpenVPN processes of two sites know each other's first packet
  /// (`--tls-auth`), derived likewise.
  func controlKey(of pair: SitePair, with peer: PublicKey) throws -> Secret
}

/// Our WireGuard key pair of one generation.
public struct TunnelKey: Hashable, Sendable {
  /// The generation, from 1.
  public let generation: UInt32
  /// The X25519 private key, 32 bytes.
  public let privateKey: Secret
  /// Its public key.
  public let publicKey: PublicKey

  /// A key pair.
  public init(generation: UInt32, privateKey: Secret, publicKey: PublicKey) {
    self.generation = generation
    self.privateKey = privateKey
    self.publicKey = publicKey
  }
}

/// The private keys of a site, as handles: the core asks them to sign and to derive, and sees no secret but
/// the tunnel's, which the kernel must be given.
public struct AgentKeys: Sendable {
  /// Signs our descriptors.
  public let identity: any Signer
  /// Admits and revokes sites; only where the authority key is held.
  public internal(set) var authority: (any Signer)?
  /// The WireGuard key in use.
  public let tunnel: TunnelKey
  /// The WireGuard key that comes next. Peers know it long before, so that whoever misses the change finds us.
  public let nextTunnel: TunnelKey
  /// Trunk keys, the newest generation last; never empty, and two only during a rotation.
  public let trunk: [any TrunkKey]
  /// The Ed25519 private key of our OpenVPN certificate, which OpenVPN must be given.
  public let certificateKey: Secret
  /// The certificate's fingerprint.
  public let certificate: CertificateFingerprint
  /// The password of our own user at Asterisk's manager interface.
  public let manager: Secret

  /// The keys of a site.
  public init(
    identity: any Signer, authority: (any Signer)?, tunnel: TunnelKey, nextTunnel: TunnelKey,
    trunk: [any TrunkKey], certificateKey: Secret, certificate: CertificateFingerprint, manager: Secret
  ) {
    self.identity = identity
    self.authority = authority
    self.tunnel = tunnel
    self.nextTunnel = nextTunnel
    self.trunk = trunk
    self.certificateKey = certificateKey
    self.certificate = certificate
    self.manager = manager
  }

  /// The same keys where the authority is not ours.
  var withoutAuthority: AgentKeys {
    AgentKeys(
      identity: identity, authority: nil, tunnel: tunnel, nextTunnel: nextTunnel,
      trunk: trunk, certificateKey: certificateKey, certificate: certificate, manager: manager)
  }
}
