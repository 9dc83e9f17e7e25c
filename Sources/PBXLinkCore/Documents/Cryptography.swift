// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What the documents need from a cryptographic library.
public protocol Cryptography: Sendable {
  /// SHA-256 (FIPS 180-4), 32 bytes.
  func sha256(_ bytes: [UInt8]) -> [UInt8]
  /// Whether an Ed25519 signature (RFC 8032 §5.1.7) of a message verifies. Callers go through
  /// ``JWS``, which refuses lax signatures and keys first.
  func isValid(signature: [UInt8], of message: [UInt8], by key: PublicKey) -> Bool
}

/// Holds an Ed25519 private key and signs with it.
public protocol Signer: Sendable {
  /// The key that verifies what this signer signs.
  var publicKey: PublicKey { get }
  /// The 64-byte Ed25519 signature (RFC 8032 §5.1.6) of a message.
  func sign(_ message: [UInt8]) throws -> [UInt8]
}

extension PublicKey {
  /// The JWK thumbprint of an Ed25519 key (RFC 7638, RFC 8037 §2): the `kid` of what it signs, and the id of
  /// the site whose identity it is.
  public func thumbprint(using cryptography: any Cryptography) -> String {
    let canonicalKey = #"{"crv":"Ed25519","kty":"OKP","x":"\#(self)"}"#
    return Base64URL.encode(cryptography.sha256(Array(canonicalKey.utf8)))
  }
}
