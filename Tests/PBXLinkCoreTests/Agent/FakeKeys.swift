// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

/// A trunk key whose secrets are the same from both ends, as X25519's are.
struct FakeTrunkKey: TrunkKey {
  let generation: UInt32
  let publicKey: PublicKey

  init(of site: String, generation: UInt32) throws {
    self.generation = generation
    publicKey = try FakeSigner("trunk \(generation) of \(site)").publicKey
  }

  func secret(for direction: TrunkDirection, with peer: PublicKey) throws -> Secret {
    guard peer.bytes.contains(where: { $0 != 0 }) else { throw SmallOrder() }
    let pair = [publicKey, peer].sorted().flatMap(\.bytes)
    let info =
      "\(direction.mesh) \(direction.caller) \(direction.callee) "
      + "\(direction.callerGeneration) \(direction.calleeGeneration)"
    return Secret(FakeCryptography().sha256(pair + Array(info.utf8)).prefix(16))
  }

  func controlKey(of pair: SitePair, with peer: PublicKey) throws -> Secret {
    guard peer.bytes.contains(where: { $0 != 0 }) else { throw SmallOrder() }
    let info = [publicKey, peer].sorted().flatMap(\.bytes) + Array("\(pair)".utf8)
    return Secret((0..<8).flatMap { FakeCryptography().sha256(info + [$0]) })
  }

  /// X25519 gives no secret for a key of small order (RFC 7748 §6.1).
  struct SmallOrder: Error {}
}

extension AgentKeys {
  /// The keys of a site, all from its name.
  static func fake(
    _ site: String, authority: String? = nil, tunnel: UInt32 = 1, generations: [UInt32] = [1]
  ) throws -> AgentKeys {
    AgentKeys(
      identity: try FakeSigner(site), authority: try authority.map { try FakeSigner($0) },
      tunnel: try .fake(site, generation: tunnel), nextTunnel: try .fake(site, generation: tunnel + 1),
      trunk: try generations.map { try FakeTrunkKey(of: site, generation: $0) },
      certificateKey: Secret(FakeCryptography().sha256(Array("certificate \(site)".utf8))),
      certificate: try #require(
        CertificateFingerprint(bytes: FakeCryptography().sha256(Array("certificate \(site)".utf8)))),
      manager: Secret(Array("manager \(site)".utf8)))
  }
}

extension TunnelKey {
  static func fake(_ site: String, generation: UInt32) throws -> TunnelKey {
    TunnelKey(
      generation: generation,
      privateKey: Secret(FakeCryptography().sha256(Array("private \(generation) of \(site)".utf8))),
      publicKey: try FakeSigner("tunnel \(generation) of \(site)").publicKey)
  }
}

extension InvitationEntropy {
  /// Random parts that are not random.
  static func fake(_ name: String) throws -> InvitationEntropy {
    let bytes = FakeCryptography().sha256(Array("invitation \(name)".utf8))
    return InvitationEntropy(
      secret: Secret(bytes.prefix(16)), tunnelPrivate: Secret(bytes),
      tunnelPublic: try FakeSigner("throw-away of \(name)").publicKey,
      certificate: try #require(CertificateFingerprint(bytes: bytes)))
  }
}
