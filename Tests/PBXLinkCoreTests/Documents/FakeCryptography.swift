// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore

/// Cryptography's shape without its strength: quick, pure and the same in every run.
struct FakeCryptography: Cryptography {
  func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    var mixed = SplitMix64(seed: hash)
    return (0..<4).flatMap { _ -> [UInt8] in
      let value = mixed.next()
      return (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
  }

  func isValid(signature: [UInt8], of message: [UInt8], by key: PublicKey) -> Bool {
    signature == Self.signature(of: message, by: key)
  }

  static func signature(of message: [UInt8], by key: PublicKey) -> [UInt8] {
    let hash = FakeCryptography().sha256(key.bytes + message)
    return hash + hash.dropLast() + [hash[31] & 0x0f]  // S < 2^252 < L
  }
}

/// Signs for the key that its name gives.
struct FakeSigner: Signer {
  let publicKey: PublicKey

  init(_ name: String) throws {
    var bytes = FakeCryptography().sha256(Array(name.utf8))
    bytes[31] &= 0x3f  // y < p
    guard let key = PublicKey(bytes: bytes) else { throw FakeError.keyLength }
    publicKey = key
  }

  func sign(_ message: [UInt8]) throws -> [UInt8] { FakeCryptography.signature(of: message, by: publicKey) }

  enum FakeError: Error { case keyLength }
}
