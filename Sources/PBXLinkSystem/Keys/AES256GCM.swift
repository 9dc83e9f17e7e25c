// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
internal import PBXLinkCore

/// AES-256-GCM (NIST SP 800-38D): the tag follows the ciphertext.
enum AES256GCM {
  static let nonceLength = 12
  static let tagLength = 16

  /// Ciphertext and tag. A key must not see the same nonce twice.
  static func seal(
    _ content: [UInt8], key: Secret, nonce: [UInt8], authenticating header: [UInt8]
  ) throws -> [UInt8] {
    try withContext { context in
      try check("EVP_EncryptInit_ex") {
        EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key.exposedBytes, nonce)
      }
      var count: Int32 = 0
      try check("EVP_EncryptUpdate") {
        EVP_EncryptUpdate(context, nil, &count, header, Int32(header.count))
      }
      var sealed = [UInt8](repeating: 0, count: content.count + tagLength)
      try check("EVP_EncryptUpdate") {
        EVP_EncryptUpdate(context, &sealed, &count, content, Int32(content.count))
      }
      var tag = [UInt8](repeating: 0, count: tagLength)
      try check("EVP_EncryptFinal_ex") { EVP_EncryptFinal_ex(context, &tag, &count) }
      try check("EVP_CTRL_GCM_GET_TAG") {
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagLength), &tag)
      }
      sealed.replaceSubrange(content.count..., with: tag)
      return sealed
    }
  }

  /// The content; nil when key, nonce, header, ciphertext or tag are not those that it was sealed with.
  static func open(
    _ sealed: [UInt8], key: Secret, nonce: [UInt8], authenticating header: [UInt8]
  ) throws -> [UInt8]? {
    guard sealed.count >= tagLength else { return nil }
    return try withContext { context in
      try check("EVP_DecryptInit_ex") {
        EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, key.exposedBytes, nonce)
      }
      var tag = Array(sealed.suffix(tagLength))
      try check("EVP_CTRL_GCM_SET_TAG") {
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), &tag)
      }
      var count: Int32 = 0
      try check("EVP_DecryptUpdate") {
        EVP_DecryptUpdate(context, nil, &count, header, Int32(header.count))
      }
      let length = sealed.count - tagLength
      var content = [UInt8](repeating: 0, count: length)
      try check("EVP_DecryptUpdate") {
        EVP_DecryptUpdate(context, &content, &count, sealed, Int32(length))
      }
      guard EVP_DecryptFinal_ex(context, &tag, &count) == 1 else {
        ERR_clear_error()
        return nil
      }
      return content
    }
  }

  private static func withContext<Result>(_ body: (OpaquePointer) throws -> Result) throws -> Result {
    guard let context = EVP_CIPHER_CTX_new() else { throw CryptographyError.last("EVP_CIPHER_CTX_new") }
    defer { EVP_CIPHER_CTX_free(context) }
    return try body(context)
  }

  private static func check(_ call: String, _ step: () -> Int32) throws {
    guard step() == 1 else { throw CryptographyError.last(call) }
  }
}
