// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
internal import PBXLinkCore

/// What scrypt costs: memory 128 × n × r bytes, time by n × r × p.
struct ScryptCost: Equatable {
  var n: UInt64
  var r: UInt64
  var p: UInt64

  /// 64 MiB, also for a small server.
  static let standard = ScryptCost(n: 1 << 16, r: 8, p: 2)

  /// Whether a file may ask for it: not so little that guessing is cheap, and neither memory (256 MiB) nor time
  /// without end.
  var isAcceptable: Bool {
    n.nonzeroBitCount == 1 && (1 << 14...1 << 20).contains(n) && (1...32).contains(r) && (1...16).contains(p)
      && 128 * n * r <= Scrypt.memoryLimit && n * r * p <= 1 << 24
  }
}

/// scrypt (RFC 7914): a key from a pass phrase, dear to guess.
enum Scrypt {
  fileprivate static let memoryLimit: UInt64 = 256 << 20

  static func derive(
    _ passphrase: Secret, salt: [UInt8], _ cost: ScryptCost, length: Int
  ) throws -> Secret {
    var bytes = [UInt8](repeating: 0, count: length)
    let text = passphrase.exposedBytes.map(CChar.init(bitPattern:))
    // OpenSSL counts its own blocks too, 128 × r × p and some bytes.
    let limit = memoryLimit + (1 << 20)
    guard
      EVP_PBE_scrypt(
        text, text.count, salt, salt.count, cost.n, cost.r, cost.p, limit, &bytes, length) == 1
    else { throw CryptographyError.last("EVP_PBE_scrypt") }
    return Secret(bytes)
  }
}
