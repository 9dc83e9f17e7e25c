// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

/// A mesh with good documents, for tests to spoil.
struct SampleMesh {
  let cryptography = FakeCryptography()
  let authority: FakeSigner
  let identity: MeshIdentity
  static let now = Timestamp(seconds: 1_800_000_000)

  init(name: String = "acme", authority: String = "authority") throws {
    self.authority = try FakeSigner(authority)
    identity = MeshIdentity(name: try #require(MeshName(name)), authority: self.authority.publicKey)
  }

  /// A membership; `number` makes address and extensions differ between sites.
  func membership(
    _ site: String, number: UInt8, identity signer: String? = nil, serial: UInt64 = 1,
    notBefore: Timestamp = now, extensions: [String]? = nil
  ) throws -> Membership {
    Membership(
      mesh: identity.name, site: try #require(SiteName(site)),
      identity: try FakeSigner(signer ?? site).publicKey,
      addresses: [
        try #require(IPAddress(bytes: [10, 77, 0, number])), try #require(IPAddress("fd00::\(number)")),
      ],
      extensions: try (extensions ?? ["\(number)XX"]).map { try #require(ExtensionPattern($0)) },
      roles: [.relay, .inviter], serial: serial, notBefore: notBefore, notAfter: notBefore + 86_400)
  }

  func descriptor(of membership: Membership, serial: UInt64 = 1, previous: String? = nil) throws -> Descriptor
  {
    Descriptor(
      membership: try sign(membership), serial: serial, previous: previous, issuedAt: Self.now,
      expiresAt: Self.now + 3600,
      wireguard: .init(
        publicKey: try FakeSigner("tunnel of \(membership.site)").publicKey,
        endpoints: [
          try #require(Endpoint("203.0.113.5:51820")), try #require(Endpoint("pbx.example.com:51820")),
        ]),
      openvpn: .init(
        fingerprint: try #require(CertificateFingerprint(bytes: Array(repeating: 0xab, count: 32))),
        endpoints: [try #require(Endpoint("203.0.113.5:443"))]),
      trunk: .init(
        keys: [.init(generation: 1, publicKey: try FakeSigner("trunk of \(membership.site)").publicKey)],
        port: 4569, callLimit: 4, codecs: ["ulaw", "alaw"], encryption: true),
      extensions: membership.extensions, agentVersion: "0.1.0")
  }

  func revocations(_ sites: [String], serial: UInt64) throws -> Revocations {
    Revocations(
      mesh: identity.name, serial: serial,
      revoked: try sites.map { site in
        .init(
          identity: try FakeSigner(site).publicKey, site: try #require(SiteName(site)), at: Self.now,
          reason: "list \(serial)")
      })
  }

  func invitation() throws -> Invitation {
    Invitation(
      mesh: identity.name, site: try #require(SiteName("branch")), authority: authority.publicKey,
      inviter: .init(
        site: try #require(SiteName("head")), publicKey: try FakeSigner("tunnel of head").publicKey,
        addresses: [try #require(IPAddress("10.77.0.1"))],
        endpoints: [try #require(Endpoint("203.0.113.5:51820"))], exchangePort: 4570),
      tunnel: .init(
        privateKey: Secret(Array(repeating: 7, count: 32)), address: try #require(IPAddress("10.77.9.9"))),
      networks: [try #require(IPPrefix("10.77.0.0/16"))], secret: Secret(Array(1...16)),
      expiresAt: Self.now + 3600)
  }

  /// Signed by the authority.
  func sign(_ document: some Document) throws -> String {
    try document.signed(by: authority, using: cryptography)
  }

  /// Signed by a site's identity.
  func sign(_ document: some Document, by signer: String) throws -> String {
    try document.signed(by: FakeSigner(signer), using: cryptography)
  }

  /// A payload written by hand, signed all the same.
  func sign(json: String, kind: DocumentKind, by signer: FakeSigner) throws -> String {
    try JWS.sign(payload: Array(json.utf8), kind: kind, by: signer, using: cryptography)
  }
}

/// The JSON of a signed text.
func payloadText(_ jws: String) throws -> String {
  let parts = jws.split(separator: ".")
  return String(decoding: try #require(Base64URL.decode(parts[1])), as: UTF8.self)
}
