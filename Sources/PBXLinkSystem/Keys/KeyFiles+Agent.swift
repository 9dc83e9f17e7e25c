// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

extension KeyFiles {
  private static let identity = "identity"
  private static let authority = "authority"
  private static let tunnel = "tunnel"
  private static let certificate = "openvpn"
  private static let manager = "manager"
  private static let trunkPrefix = "trunk-"

  /// The keys of a site, those that are missing made anew and on disk: asking twice gives the same ones, so
  /// that what was cut off can be run again.
  public func createAgentKeys(authority needsAuthority: Bool) throws -> AgentKeys {
    _ = try loadOrCreate(Self.identity) { try Ed25519PrivateKey.generate().rawSecret }
    if needsAuthority { _ = try loadOrCreate(Self.authority) { try Ed25519PrivateKey.generate().rawSecret } }
    _ = try loadOrCreate(Self.tunnel) { try X25519PrivateKey.generate().rawSecret }
    _ = try certificateKey()
    _ = try loadOrCreate(Self.manager) { try RandomBytes.secret(32) }
    if try trunkGenerations().isEmpty {
      try create(Self.trunkPrefix + "1", try X25519PrivateKey.generate().rawSecret)
    }
    return try loadAgentKeys()
  }

  /// The keys of a site; throws ``KeyFileError/missing(path:)`` when one is not there. The authority's is only
  /// where the mesh was made.
  public func loadAgentKeys() throws -> AgentKeys {
    let tunnel = try X25519PrivateKey(require(Self.tunnel))
    let trunk = try trunkGenerations().map { generation in
      X25519TrunkKey(
        generation: generation, try X25519PrivateKey(require("\(Self.trunkPrefix)\(generation)")))
    }
    guard !trunk.isEmpty else { throw KeyFileError.missing(path: "\(directory)/\(Self.trunkPrefix)1") }
    let certificateKey = try certificateKey()
    return AgentKeys(
      identity: try Ed25519PrivateKey(require(Self.identity)),
      authority: try load(Self.authority).map(Ed25519PrivateKey.init),
      tunnelPrivate: tunnel.rawSecret, tunnelPublic: tunnel.publicKey, trunk: trunk,
      certificateKey: certificateKey, certificate: try OpenVPNCertificate(certificateKey).fingerprint,
      manager: try require(Self.manager))
  }

  /// Made when it is missing: a site that joined before there was OpenVPN has none.
  private func certificateKey() throws -> Secret {
    try loadOrCreate(Self.certificate) { try Ed25519PrivateKey.generate().rawSecret }
  }

  private func require(_ name: String) throws(KeyFileError) -> Secret {
    guard let key = try load(name) else { throw .missing(path: directory + "/" + name) }
    return key
  }

  private func trunkGenerations() throws(KeyFileError) -> [UInt32] {
    try names().compactMap { name in
      name.hasPrefix(Self.trunkPrefix) ? UInt32(name.dropFirst(Self.trunkPrefix.count)) : nil
    }.sorted()
  }
}
