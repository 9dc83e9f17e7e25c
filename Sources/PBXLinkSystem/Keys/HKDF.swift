// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
public import PBXLinkCore

/// HKDF (RFC 5869): many keys from one secret.
public enum HKDF {
  /// `length` bytes for one purpose, named by `info`; at most 255 × 32.
  public static func sha256(
    _ secret: Secret, salt: [UInt8] = [], info: [UInt8], length: Int
  ) throws -> Secret {
    guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nil) else {
      throw CryptographyError.last("EVP_PKEY_CTX_new_id")
    }
    defer { EVP_PKEY_CTX_free(context) }
    let keyBytes = secret.exposedBytes
    let steps: [(String, () -> Int32)] = [
      ("EVP_PKEY_derive_init", { EVP_PKEY_derive_init(context) }),
      ("EVP_PKEY_CTX_set_hkdf_md", { EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) }),
      ("EVP_PKEY_CTX_set1_hkdf_salt", { EVP_PKEY_CTX_set1_hkdf_salt(context, salt, Int32(salt.count)) }),
      (
        "EVP_PKEY_CTX_set1_hkdf_key",
        { EVP_PKEY_CTX_set1_hkdf_key(context, keyBytes, Int32(keyBytes.count)) }
      ),
      ("EVP_PKEY_CTX_add1_hkdf_info", { EVP_PKEY_CTX_add1_hkdf_info(context, info, Int32(info.count)) }),
    ]
    for (call, step) in steps {
      guard step() == 1 else { throw CryptographyError.last(call) }
    }
    var bytes = [UInt8](repeating: 0, count: length)
    var count = length
    guard EVP_PKEY_derive(context, &bytes, &count) == 1, count == length else {
      throw CryptographyError.last("EVP_PKEY_derive")
    }
    return Secret(bytes)
  }
}
