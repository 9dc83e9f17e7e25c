// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
public import PBXLinkCore

/// An Ed25519 private key (RFC 8032 §5.1.5): an identity or an authority.
public struct Ed25519PrivateKey: Signer {
  /// The 32 bytes to keep.
  public let rawSecret: Secret
  /// The key that verifies its signatures.
  public let publicKey: PublicKey

  /// A key from its 32 bytes.
  public init(_ secret: Secret) throws {
    rawSecret = secret
    publicKey = try OpenSSLKey.publicKey(.ed25519, of: secret)
  }

  /// A new key.
  public static func generate() throws -> Self {
    try Self(RandomBytes.secret(OpenSSLKey.length))
  }

  /// The 64-byte signature of a message.
  public func sign(_ message: [UInt8]) throws -> [UInt8] {
    try OpenSSLKey.withPrivateKey(.ed25519, rawSecret) { key in
      guard let context = EVP_MD_CTX_new() else { throw CryptographyError.last("EVP_MD_CTX_new") }
      defer { EVP_MD_CTX_free(context) }
      guard EVP_DigestSignInit(context, nil, nil, nil, key) == 1 else {
        throw CryptographyError.last("EVP_DigestSignInit")
      }
      var signature = [UInt8](repeating: 0, count: 64)
      var count = signature.count
      guard EVP_DigestSign(context, &signature, &count, message, message.count) == 1, count == 64 else {
        throw CryptographyError.last("EVP_DigestSign")
      }
      return signature
    }
  }
}
