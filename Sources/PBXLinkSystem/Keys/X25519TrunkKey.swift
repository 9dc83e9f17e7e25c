// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore
internal import Synchronization

/// Our trunk key of one generation, from which both ends of a direction derive the IAX2 secret that is never
/// sent.
public struct X25519TrunkKey: TrunkKey {
  /// The generation, from 1.
  public let generation: UInt32
  private let secrets: SharedSecrets

  /// A trunk key.
  public init(generation: UInt32, _ key: X25519PrivateKey) {
    self.generation = generation
    secrets = SharedSecrets(key)
  }

  /// The key that the descriptor announces.
  public var publicKey: PublicKey { secrets.key.publicKey }

  /// The secret, 32 bytes, of one direction: HKDF-SHA256 over the X25519 secret of the two trunk keys, with an
  /// info that differs for each mesh, direction and pair of generations.
  public func secret(for direction: TrunkDirection, with peer: PublicKey) throws -> Secret {
    // Names are DNS labels, so a line feed separates them without doubt.
    let info = """
      pbxlink iax2 secret 1
      \(direction.mesh)
      \(direction.caller)
      \(direction.callee)
      \(direction.callerGeneration)
      \(direction.calleeGeneration)
      """
    return try HKDF.sha256(secrets.shared(with: peer), info: Array(info.utf8), length: 32)
  }

  /// The `--tls-auth` key of two sites: HKDF-SHA256 over the X25519 secret of the two trunk keys.
  public func controlKey(of pair: SitePair, with peer: PublicKey) throws -> Secret {
    let info = """
      pbxlink openvpn control key 1
      \(pair.mesh)
      \(pair.first.site)
      \(pair.second.site)
      \(pair.first.generation)
      \(pair.second.generation)
      """
    return try HKDF.sha256(secrets.shared(with: peer), info: Array(info.utf8), length: 256)
  }
}

/// The X25519 secrets of a key with others. They are asked for at each look, and take longest of all that is computed
/// there.
private final class SharedSecrets: Sendable {
  /// More than a large mesh needs, with the former keys of its sites.
  private static let limit = 4096
  let key: X25519PrivateKey
  private let known = Mutex<[PublicKey: Secret]>([:])

  init(_ key: X25519PrivateKey) { self.key = key }

  func shared(with peer: PublicKey) throws -> Secret {
    if let secret = known.withLock({ $0[peer] }) { return secret }
    let secret = try key.sharedSecret(with: peer)
    known.withLock { known in
      if known.count >= Self.limit { known = [:] }
      known[peer] = secret
    }
    return secret
  }
}
