// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension PublicKey {
  /// 80 bits of the key's JWK thumbprint, to be compared by phone: "3f0a-12bc-99d1-8e07-55aa". Another key with the
  /// same ones takes some 2^80 attempts to find.
  public func fingerprint(using cryptography: any Cryptography) -> String {
    let digits = Secret((Base64URL.decode(thumbprint(using: cryptography)) ?? []).prefix(10)).exposedHex
    return stride(from: 0, to: digits.count, by: 4).map { String(digits.dropFirst($0).prefix(4)) }
      .joined(separator: "-")
  }

  /// Whether that is what someone typed; case, blanks and hyphens do not count.
  public func hasFingerprint(_ text: String, using cryptography: any Cryptography) -> Bool {
    func plain(_ text: String) -> String { text.lowercased().filter { $0 != "-" && !$0.isWhitespace } }
    return plain(text) == plain(fingerprint(using: cryptography))
  }
}
