// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import PBXLinkCore
import Testing

@Suite("Base64url")
struct Base64URLTests {
  @Test("random bytes of every length come back, in the text that Foundation gives", arguments: 0..<70)
  func roundTrip(_ count: Int) {
    var random = SplitMix64(seed: UInt64(count))
    for _ in 0..<20 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      let text = Data(bytes).base64EncodedString()
        .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
      #expect(Base64URL.encode(bytes) == text)
      #expect(Base64URL.decode(text) == bytes)
    }
  }

  @Test(
    "padding, other letters, stray bits and single characters are refused",
    arguments: [
      "A", "AAAAA", "AA==", "AAA=", "AB", "AAB", "A+A", "A/AA", "AA A", "AA\n", "ÄÄ", "AA.A", "_-9",
    ])
  func refusals(_ text: String) {
    #expect(Base64URL.decode(text) == nil)
  }
}
