// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Descriptor {
  /// Serial, hash, trunk settings and emergency numbers. Texts are held to few characters because they end up
  /// in Asterisk's files and on terminals.
  public func check() throws(DocumentError) {
    try Self.checkSerial(serial, CodingKeys.serial)
    if let previous, Base64URL.decode(previous)?.count != 32 {
      throw Self.invalid(CodingKeys.previous, "it is not a SHA-256 in base64url")
    }
    guard issuedAt < expiresAt else { throw Self.invalid(CodingKeys.expiresAt, "it is not after issued_at") }
    guard wireguard.endpoints.count <= 16 else {
      throw Self.invalid(CodingKeys.wireguard, "more than 16 endpoints")
    }
    guard openvpn.map({ $0.endpoints.count <= 16 }) ?? true else {
      throw Self.invalid(CodingKeys.openvpn, "more than 16 endpoints")
    }
    guard (1...4).contains(trunk.keys.count), Set(trunk.keys.map(\.generation)).count == trunk.keys.count
    else { throw Self.invalid(CodingKeys.trunk, "1 to 4 keys of different generations expected") }
    guard trunk.port > 0 else { throw Self.invalid(CodingKeys.trunk, "port 0") }
    guard (1...1000).contains(trunk.callLimit) else {
      throw Self.invalid(CodingKeys.trunk, "call_limit \(trunk.callLimit) is not in 1 to 1000")
    }
    guard (1...16).contains(trunk.codecs.count), trunk.codecs.allSatisfy(Self.isCodecName) else {
      throw Self.invalid(CodingKeys.trunk, "1 to 16 codecs by Asterisk's names expected")
    }
    guard (1...64).contains(agentVersion.utf8.count),
      agentVersion.utf8.allSatisfy({ Self.isAlphanumeric($0) || "+-.~".utf8.contains($0) })
    else { throw Self.invalid(CodingKeys.agentVersion, "it is not a version") }
    try Self.checkExtensions(extensions)
  }

  /// The descriptor in a signed text and the membership that it carries, once both signatures, the mesh and the
  /// claims are known to be right.
  public static func verified(
    _ text: String, in mesh: MeshIdentity, using cryptography: any Cryptography
  ) throws(DocumentError) -> (descriptor: Descriptor, membership: Membership) {
    let (descriptor, membership) = try verified(
      JWS(text), in: mesh, under: [mesh.authority], using: cryptography)
    return (descriptor, membership.content)
  }

  /// The same under any of several authorities.
  static func verified(
    _ jws: JWS, in mesh: MeshIdentity, under authorities: [PublicKey], using cryptography: any Cryptography
  ) throws(DocumentError) -> (descriptor: Descriptor, membership: VerifiedMembership) {
    guard jws.kind == kind.rawValue else { throw .wrongKind(found: jws.kind, expected: kind.rawValue) }
    // Only the membership in it says whose signature to expect; the authority's signature vouches for it. The
    // rest is read with it, for reading takes long, and counts for nothing until the signature is known to be good.
    let descriptor = try read(jws.unverifiedPayload)
    let membership = try Membership.verified(descriptor.membership, by: authorities, using: cryptography)
    try mesh.check(membership.content.mesh)
    _ = try jws.payload(kind: kind, signedBy: membership.content.identity, using: cryptography)
    try descriptor.check()
    try descriptor.checkClaims(within: membership.content)
    return (descriptor, membership)
  }

  private func checkClaims(within membership: Membership) throws(DocumentError) {
    for pattern in extensions where !membership.extensions.covers(pattern) {
      throw .extensionNotGranted(pattern, site: membership.site)
    }
    for address in addresses ?? [] where !membership.addresses.contains(address) {
      throw .addressNotGranted(address, site: membership.site)
    }
  }

  private static func isCodecName(_ text: String) -> Bool {
    (1...32).contains(text.utf8.count) && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x5f }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
  }
}
