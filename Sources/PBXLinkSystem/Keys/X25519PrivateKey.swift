// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
public import PBXLinkCore

/// An X25519 private key (RFC 7748 §5): of a WireGuard interface or of trunks.
public struct X25519PrivateKey: Sendable {
  /// The 32 bytes to keep.
  public let rawSecret: Secret
  /// The key to publish.
  public let publicKey: PublicKey

  /// A key from its 32 bytes.
  public init(_ secret: Secret) throws {
    rawSecret = secret
    publicKey = try OpenSSLKey.publicKey(.x25519, of: secret)
  }

  /// A new key (as `wg genkey`), clamped as RFC 7748 §5 has it, so that `wg show` prints the same bytes.
  public static func generate() throws -> Self {
    var bytes = try RandomBytes.secret(OpenSSLKey.length).exposedBytes
    bytes[0] &= 0xf8
    bytes[31] = bytes[31] & 0x7f | 0x40
    return try Self(Secret(bytes))
  }

  /// The secret shared with the holder of another key; throws ``CryptographyError/weakPublicKey(_:)`` for a
  /// key that gives everyone the same one (RFC 7748 §6.1).
  public func sharedSecret(with peer: PublicKey) throws -> Secret {
    try OpenSSLKey.withPrivateKey(.x25519, rawSecret) { key in
      try OpenSSLKey.withPublicKey(.x25519, peer) { peerKey in
        guard let context = EVP_PKEY_CTX_new(key, nil) else {
          throw CryptographyError.last("EVP_PKEY_CTX_new")
        }
        defer { EVP_PKEY_CTX_free(context) }
        guard EVP_PKEY_derive_init(context) == 1 else { throw CryptographyError.last("EVP_PKEY_derive_init") }
        guard EVP_PKEY_derive_set_peer(context, peerKey) == 1 else {
          throw CryptographyError.last("EVP_PKEY_derive_set_peer")
        }
        var shared = [UInt8](repeating: 0, count: OpenSSLKey.length)
        var count = shared.count
        // OpenSSL fails here for an all-zero result; the second test does not rely on it.
        guard EVP_PKEY_derive(context, &shared, &count) == 1 else {
          ERR_clear_error()
          throw CryptographyError.weakPublicKey(peer)
        }
        guard count == shared.count, shared.contains(where: { $0 != 0 }) else {
          throw CryptographyError.weakPublicKey(peer)
        }
        return Secret(shared)
      }
    }
  }
}
