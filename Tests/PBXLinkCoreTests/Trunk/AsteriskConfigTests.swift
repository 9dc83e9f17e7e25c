// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Reading Asterisk's files")
struct AsteriskConfigTests {
  private func contents(_ text: String) -> [AsteriskConfigLine.Content] {
    AsteriskConfigLine.lines(of: text, file: "f").map(\.content)
  }

  @Test("sections, entries and includes are read as config.c does")
  func reading() {
    let text = """
      ; [comment]
      [a] ; rest
       key = value ; rest
      KEY=>a\\;b
      list += x
      garbage
      ;-- [hidden]
      [hidden2] --;
      ;--- not a block
      [b](+)
      [c](!,tmpl)
      #include "x y.conf"
      #tryinclude <z.conf>
      #tryinclude	w.conf
      #exec /bin/true
      """
    #expect(
      contents(text) == [
        .section(name: "a", modifiers: []), .entry(key: "key", value: "value"),
        .entry(key: "key", value: "a;b"),
        .entry(key: "list", value: "x"), .section(name: "b", modifiers: ["+"]),
        .section(name: "c", modifiers: ["!", "tmpl"]), .include(path: "x y.conf", isRequired: true),
        .include(path: "z.conf", isRequired: false), .include(path: "w.conf", isRequired: false),
      ])
  }

  @Test("lines are counted with Windows line ends too")
  func locations() {
    let lines = AsteriskConfigLine.lines(of: "\r\n[a]\r\n\r\nb=1\r\n", file: "iax.conf")
    #expect(lines.map(\.location.description) == ["iax.conf:2", "iax.conf:4"])
    #expect(lines.last?.content == .entry(key: "b", value: "1"))
  }

  @Test("nothing is read after an unclosed section")
  func unclosed() {
    #expect(contents("[a\nb=1\n") == [.broken(reason: "the section '[a' has no ']'")])
    #expect(contents("[a](+\nb=1\n") == [.broken(reason: "the section 'a' has no ')'")])
  }

  private func findings(_ text: String, _ file: TrunkFile) -> AsteriskConfigFindings {
    AsteriskConfigFindings(AsteriskConfigLine.lines(of: text, file: "x.conf"), for: file)
  }

  @Test(
    "a section that Asterisk would merge with one of ours is found with file and line",
    arguments: [
      (TrunkFile.iax, "[general]\n[PLK_b]\n", "x.conf:2"), (.iax, "[plk_b](+)\n", "x.conf:1"),
      (.extensions, "\n\n[plk-outbound]\n", "x.conf:3"), (.manager, "[pbxlink]\n", "x.conf:1"),
    ])
  func clashes(file: TrunkFile, text: String, place: String) {
    #expect(findings(text, file).clashes.map(\.location.description) == [place])
  }

  @Test("names that only look like ours do not clash")
  func noClash() {
    #expect(findings("[plk]\n[xplk_b]\n[pbxlink]\n", .iax).clashes.isEmpty)
    #expect(findings("[pbxlink-phone]\n[plk_b]\n", .manager).clashes.isEmpty)
  }

  @Test("references to sections that were not read before are found")
  func references() {
    let found = findings("[t](!)\n[a](t)\n[A](+)\n[b](+)\n[c](u)\n", .iax)
    #expect(found.breaks.map(\.location.line) == [4, 5])
  }

  @Test("the last value in [general] counts, in any case and across its parts")
  func general() {
    let found = findings(
      "[General]\nEnabled = no\n[x]\nenabled=no\n[general](+)\nenabled = YES\nport=5039\n", .manager)
    #expect(found.isOn("enabled"))
    #expect(found.general["port"]?.description == "x.conf:7: 5039")
    #expect(!findings("[x]\nenabled=yes\n", .manager).isOn("enabled"))
  }
}
