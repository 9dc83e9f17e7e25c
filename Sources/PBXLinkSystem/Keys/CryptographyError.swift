// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
public import PBXLinkCore

/// Why a cryptographic operation did not happen.
public enum CryptographyError: Error, Hashable, Sendable {
  /// A call into OpenSSL failed; the reason is OpenSSL's own.
  case openSSL(call: String, reason: String)
  /// A private key of a length other than 32 bytes.
  case wrongKeyLength(Int)
  /// Key agreement with this X25519 key gives zero, whatever the private key (RFC 7748 §6.1).
  case weakPublicKey(PublicKey)

  /// The error that OpenSSL left for the call that has just failed; its queue is empty afterwards.
  static func last(_ call: String) -> Self {
    let code = ERR_get_error()
    ERR_clear_error()
    guard code != 0, let reason = ERR_reason_error_string(code) else {
      return .openSSL(call: call, reason: "no reason given")
    }
    return .openSSL(call: call, reason: String(cString: reason))
  }
}

extension CryptographyError: CustomStringConvertible {
  /// What failed and what to do.
  public var description: String {
    switch self {
    case .openSSL(let call, let reason):
      "OpenSSL's \(call) failed: \(reason); check the system's OpenSSL configuration (openssl list -providers)"
    case .wrongKeyLength(let length): "a private key has 32 bytes, not \(length)"
    case .weakPublicKey(let key):
      "the X25519 key \(key) of the peer is weak and gives no secret; the peer must make a new key"
    }
  }
}
