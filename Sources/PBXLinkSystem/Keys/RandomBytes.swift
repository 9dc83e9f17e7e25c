// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
public import PBXLinkCore

/// Unpredictable bytes from OpenSSL's generator for private values.
public enum RandomBytes {
  /// New secret bytes.
  public static func secret(_ count: Int) throws -> Secret {
    var bytes = [UInt8](repeating: 0, count: count)
    guard RAND_priv_bytes(&bytes, Int32(count)) == 1 else { throw CryptographyError.last("RAND_priv_bytes") }
    return Secret(bytes)
  }
}
