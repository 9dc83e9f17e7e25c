// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
internal import PBXLinkCore

/// The raw-key side of EVP_PKEY: OpenSSL's object lives only as long as the call that needs it.
enum OpenSSLKey {
  enum Algorithm {
    case ed25519, x25519
    fileprivate var id: Int32 { self == .ed25519 ? EVP_PKEY_ED25519 : EVP_PKEY_X25519 }
  }

  static let length = 32

  static func withPrivateKey<Result>(
    _ algorithm: Algorithm, _ secret: Secret, _ body: (OpaquePointer) throws -> Result
  ) throws -> Result {
    let bytes = secret.exposedBytes
    guard bytes.count == length else { throw CryptographyError.wrongKeyLength(bytes.count) }
    guard let key = EVP_PKEY_new_raw_private_key(algorithm.id, nil, bytes, bytes.count) else {
      throw CryptographyError.last("EVP_PKEY_new_raw_private_key")
    }
    defer { EVP_PKEY_free(key) }
    return try body(key)
  }

  static func withPublicKey<Result>(
    _ algorithm: Algorithm, _ publicKey: PublicKey, _ body: (OpaquePointer) throws -> Result
  ) throws -> Result {
    guard let key = EVP_PKEY_new_raw_public_key(algorithm.id, nil, publicKey.bytes, length) else {
      throw CryptographyError.last("EVP_PKEY_new_raw_public_key")
    }
    defer { EVP_PKEY_free(key) }
    return try body(key)
  }

  static func publicKey(_ algorithm: Algorithm, of secret: Secret) throws -> PublicKey {
    try withPrivateKey(algorithm, secret) { key in
      var bytes = [UInt8](repeating: 0, count: length)
      var count = length
      guard EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1,
        let publicKey = PublicKey(bytes: bytes.prefix(count))
      else { throw CryptographyError.last("EVP_PKEY_get_raw_public_key") }
      return publicKey
    }
  }
}
