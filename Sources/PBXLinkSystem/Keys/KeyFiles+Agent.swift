// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

extension KeyFiles {
  private static let identity = "identity"
  private static let authority = "authority"
  private static let laterAuthorityPrefix = "authority-"
  private static let tunnel = "tunnel"
  private static let certificate = "openvpn"
  private static let manager = "manager"
  private static let trunk = "trunk"

  /// The keys of a site, those that are missing made anew and on disk: asking twice gives the same ones, so
  /// that what was cut off can be run again.
  public func createAgentKeys(
    authority needsAuthority: Bool, _ generations: KeyGenerations = KeyGenerations()
  ) throws -> AgentKeys {
    _ = try loadOrCreate(Self.identity) { try Ed25519PrivateKey.generate().rawSecret }
    if needsAuthority { _ = try loadOrCreate(Self.authority) { try Ed25519PrivateKey.generate().rawSecret } }
    _ = try loadOrCreate(tunnel(generations.tunnel)) { try X25519PrivateKey.generate().rawSecret }
    _ = try loadOrCreate(Self.manager) { try RandomBytes.secret(32) }
    _ = try loadOrCreate(trunk(generations.trunk)) { try X25519PrivateKey.generate().rawSecret }
    return try loadAgentKeys(generations)
  }

  /// The keys of a site; throws ``KeyFileError/missing(path:)`` when one is not there. The authority's is only
  /// where the mesh was made. The next tunnel key, and the new trunk key of a rotation, are made when they are
  /// missing: nobody has been told of a key that is not on disk.
  public func loadAgentKeys(_ generations: KeyGenerations) throws -> AgentKeys {
    let certificateKey = try certificateKey()
    var keys = AgentKeys(
      identity: try Ed25519PrivateKey(require(Self.identity)),
      authority: try load(Self.authority).map(Ed25519PrivateKey.init),
      tunnel: try TunnelKey(generations.tunnel, require(tunnel(generations.tunnel))),
      nextTunnel: try TunnelKey(generations.tunnel + 1, loadOrCreateX25519(tunnel(generations.tunnel + 1))),
      trunk: try trunkKeys(generations),
      certificateKey: certificateKey, certificate: try OpenVPNCertificate(certificateKey).fingerprint,
      manager: try require(Self.manager))
    for name in try laterAuthorities() {
      keys.otherAuthorities.append(try Ed25519PrivateKey(require(name)))
    }
    return keys
  }

  /// The key of a later authority, made anew and on disk unless an attempt that was cut off has left it.
  func createAuthority(number: Int) throws -> Ed25519PrivateKey {
    try Ed25519PrivateKey(
      loadOrCreate("\(Self.laterAuthorityPrefix)\(number)") { try Ed25519PrivateKey.generate().rawSecret })
  }

  private func laterAuthorities() throws(KeyFileError) -> [String] {
    try names().filter { name in
      name.hasPrefix(Self.laterAuthorityPrefix)
        && Int(name.dropFirst(Self.laterAuthorityPrefix.count)) != nil
    }
  }

  /// The file and the secret of an authority's key; nil when it is not here.
  func authority(_ publicKey: PublicKey) throws -> (name: String, secret: Secret)? {
    for name in [Self.authority] + (try laterAuthorities()) {
      guard let secret = try load(name) else { continue }
      if try Ed25519PrivateKey(secret).publicKey == publicKey { return (name, secret) }
    }
    return nil
  }

  /// Keeps an authority's key that was brought here.
  /// - Parameter number: the number of the authority, the founder's being 1.
  func keepAuthority(_ secret: Secret, number: Int) throws {
    let key = try Ed25519PrivateKey(secret).publicKey
    guard try authority(key) == nil else { return }
    try create(number == 1 ? Self.authority : "\(Self.laterAuthorityPrefix)\(number)", secret)
  }

  private func trunkKeys(_ generations: KeyGenerations) throws -> [X25519TrunkKey] {
    let keys = try (generations.acceptedTrunks.lowerBound...generations.trunk).map { generation in
      X25519TrunkKey(generation: generation, try X25519PrivateKey(require(trunk(generation))))
    }
    guard let new = generations.rotation?.trunk else { return keys }
    return keys + [X25519TrunkKey(generation: new, try .init(loadOrCreateX25519(trunk(new))))]
  }

  /// Removes the tunnel and trunk keys that were in use before these.
  func removeKeys(before generations: KeyGenerations) throws(KeyFileError) {
    let old =
      (1..<max(generations.tunnel, 1)).map(tunnel)
      + (1..<max(generations.acceptedTrunks.lowerBound, 1)).map(trunk)
    for name in Set(try names()).intersection(old).sorted() { try remove(name) }
  }

  private func tunnel(_ generation: UInt32) -> String {
    generation == 1 ? Self.tunnel : "\(Self.tunnel)-\(generation)"
  }

  private func trunk(_ generation: UInt32) -> String { "\(Self.trunk)-\(generation)" }

  private func loadOrCreateX25519(_ name: String) throws -> Secret {
    try loadOrCreate(name) { try X25519PrivateKey.generate().rawSecret }
  }

  /// Made when it is missing: a site that joined before there was OpenVPN has none.
  private func certificateKey() throws -> Secret {
    try loadOrCreate(Self.certificate) { try Ed25519PrivateKey.generate().rawSecret }
  }

  private func require(_ name: String) throws(KeyFileError) -> Secret {
    guard let key = try load(name) else { throw .missing(path: directory + "/" + name) }
    return key
  }
}

extension TunnelKey {
  fileprivate init(_ generation: UInt32, _ secret: Secret) throws {
    let key = try X25519PrivateKey(secret)
    self.init(generation: generation, privateKey: key.rawSecret, publicKey: key.publicKey)
  }
}
