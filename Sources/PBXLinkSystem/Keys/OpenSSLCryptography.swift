// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
public import PBXLinkCore

/// What documents need, by OpenSSL's libcrypto.
public struct OpenSSLCryptography: Cryptography {
  /// The library needs no set-up.
  public init() {}

  /// SHA-256. OpenSSL fails at it only without memory or with a configuration that forbids SHA-256; going on
  /// with a wrong hash would be worse than stopping.
  public func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 0
    guard EVP_Digest(bytes, bytes.count, &digest, &count, EVP_sha256(), nil) == 1, count == 32 else {
      fatalError(CryptographyError.last("EVP_Digest").description)
    }
    return digest
  }

  /// Whether an Ed25519 signature verifies; false, too, when OpenSSL refuses the key.
  public func isValid(signature: [UInt8], of message: [UInt8], by key: PublicKey) -> Bool {
    do {
      return try OpenSSLKey.withPublicKey(.ed25519, key) { publicKey in
        guard let context = EVP_MD_CTX_new() else { throw CryptographyError.last("EVP_MD_CTX_new") }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, nil, nil, publicKey) == 1 else {
          throw CryptographyError.last("EVP_DigestVerifyInit")
        }
        let isValid = EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
        ERR_clear_error()  // a wrong signature leaves an entry that the next failure would be blamed on
        return isValid
      }
    } catch {
      return false
    }
  }
}
