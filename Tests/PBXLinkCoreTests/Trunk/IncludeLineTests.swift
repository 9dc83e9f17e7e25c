// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Our line in Asterisk's files")
struct IncludeLineTests {
  let line = IncludeLine(.iax)

  @Test("is last and there once; taking it out gives every byte back", arguments: 0..<50)
  func roundTrip(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let pieces: [[UInt8]] = [
      Array("[general]".utf8), [0x0a], [0x0d, 0x0a], [0x0a, 0x0a], [0xff, 0x00],
      Array("; #tryinclude pbxlink/iax.conf".utf8),
      Array("#tryinclude pbxlink/iax.conf.old".utf8),
    ]
    let text = (0..<Int.random(in: 0...6, using: &random)).flatMap { _ in
      pieces.randomElement(using: &random) ?? []
    }
    #expect(!line.isInstalled(in: text))
    let installed = line.installed(in: text)
    #expect(line.isInstalled(in: installed))
    #expect(line.installed(in: installed) == installed)
    #expect(line.removed(from: installed) == text)
    #expect(line.removed(from: text) == text)
  }

  @Test("is put last again when something follows it, and doubles go")
  func notLast() {
    let text = Array("a=1\n#tryinclude pbxlink/iax.conf \r\n#tryinclude pbxlink/iax.conf\nb=2\n".utf8)
    #expect(!line.isInstalled(in: text))
    #expect(
      String(decoding: line.installed(in: text), as: UTF8.self) == "a=1\nb=2\n#tryinclude pbxlink/iax.conf\n")
  }
}
