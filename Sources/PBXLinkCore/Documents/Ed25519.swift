// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The one strict form of Ed25519 that documents accept. RFC 8032 leaves room: a lax verifier takes a second
/// signature for the same message (S + L) and keys under which anyone can sign.
enum Ed25519 {
  /// L, the order of the base point, 2^252 + 27742317777372353535851937790883648493 (RFC 8032 §5.1),
  /// little-endian.
  private static let order: [UInt8] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10,
  ]

  /// p = 2^255 - 19, the field's prime, little-endian.
  private static let prime: [UInt8] = [0xed] + Array(repeating: 0xff, count: 30) + [0x7f]

  /// The y coordinates of the eight points of small order, little-endian: 0 and 1 and -1 (orders 4, 1, 2), and
  /// the two of order 8.
  private static let smallOrder: Set<[UInt8]> = [
    Array(repeating: 0, count: 32),
    [1] + Array(repeating: 0, count: 31),
    [0xec] + Array(repeating: 0xff, count: 30) + [0x7f],
    [
      0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
      0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
      0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
      0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
  ]

  /// Whether a signature is 64 bytes with S < L (RFC 8032 §5.1.7 step 1).
  static func isCanonical(signature: [UInt8]) -> Bool {
    signature.count == 64 && isLess(Array(signature[32...]), than: order)
  }

  /// Whether a public key is canonically encoded (y < p) and not of small order.
  static func isStrong(_ key: PublicKey) -> Bool {
    var y = key.bytes
    y[31] &= 0x7f  // the top bit is the sign of x
    return isLess(y, than: prime) && !smallOrder.contains(y)
  }

  private static func isLess(_ left: [UInt8], than right: [UInt8]) -> Bool {
    left.reversed().lexicographicallyPrecedes(right.reversed())
  }
}
