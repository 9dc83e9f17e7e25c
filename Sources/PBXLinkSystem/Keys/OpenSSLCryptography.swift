// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
public import PBXLinkCore
internal import Synchronization

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
      let known = Self.recent.withLockIfAvailable { recent in
        guard let index = recent.firstIndex(where: { $0.key == key }) else { return false }
        // The one used last goes last.
        recent.append(recent.remove(at: index))
        return recent[recent.count - 1].isValid(signature: signature, of: message)
      }
      if known == true { return true }
      // Not every version of OpenSSL lets a context be used again, so only a new one can say no.
      let verifier = try Verifier(key)
      guard verifier.isValid(signature: signature, of: message) else { return false }
      Self.recent.withLockIfAvailable { recent in
        recent.removeAll { $0.key == key }
        if recent.count == Self.recentLimit { recent.removeFirst() }
        recent.append(verifier)
      }
      return true
    } catch {
      return false
    }
  }

  /// The keys that have verified something last: the authority's, which signs each membership, stays among them.
  private static let recent = Mutex<[Verifier]>([])
  private static let recentLimit = 4
}

/// An Ed25519 key that OpenSSL is ready to verify with. Used by one thread at a time.
private final class Verifier: @unchecked Sendable {
  let key: PublicKey
  private let context: OpaquePointer

  init(_ key: PublicKey) throws {
    self.key = key
    guard let context = EVP_MD_CTX_new() else { throw CryptographyError.last("EVP_MD_CTX_new") }
    self.context = context
    try OpenSSLKey.withPublicKey(.ed25519, key) { publicKey in
      guard EVP_DigestVerifyInit(context, nil, nil, nil, publicKey) == 1 else {
        throw CryptographyError.last("EVP_DigestVerifyInit")
      }
    }
  }

  deinit { EVP_MD_CTX_free(context) }

  func isValid(signature: [UInt8], of message: [UInt8]) -> Bool {
    let isValid = EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    // A wrong signature leaves an entry that the next failure would be blamed on.
    if !isValid { ERR_clear_error() }
    return isValid
  }
}
