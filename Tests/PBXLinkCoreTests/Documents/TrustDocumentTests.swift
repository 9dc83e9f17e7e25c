// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Documents of trust")
struct TrustDocumentTests {
  let mesh: SampleMesh
  let cryptography = FakeCryptography()

  init() throws { mesh = try SampleMesh() }

  @Test("charter and succession are written as the page on formats says")
  func json() throws {
    let keys = try ["authority", "recovery", "new", "recovery of new"].map { try FakeSigner($0).publicKey }
    #expect(
      try payloadText(mesh.charter(former: ["older"], serial: 3))
        == #"{"authority":"\#(keys[0])","former":["\#(FakeSigner("older").publicKey)"],"mesh":"acme","#
        + #""recovery":"\#(keys[1])","serial":3}"#)
    #expect(
      try payloadText(mesh.succession(to: "new", memberships: 4, revoked: 1))
        == #"{"authority":"\#(keys[2])","former":"\#(keys[0])","memberships":4,"mesh":"acme","#
        + #""recovery":"\#(keys[3])","revoked":1,"serial":2}"#)
  }

  @Test("a membership without delegation is written as it always was")
  func membership() throws {
    let text = try payloadText(mesh.sign(mesh.membership("lyon", number: 2)))
    for key in ["delegation", "admitted_by", "inviter\":\""] { #expect(!text.contains(key)) }
  }

  @Test("keys that are weak or the same, and numbers out of range, are refused")
  func values() throws {
    let weak = try #require(PublicKey(bytes: [1] + Array(repeating: 0, count: 31)))
    let (name, one, two) = try (mesh.identity.name, FakeSigner("1").publicKey, FakeSigner("2").publicKey)
    let charters = [
      Charter(mesh: name, authority: one, recovery: weak, serial: 1),
      Charter(mesh: name, authority: one, recovery: one, serial: 1),
      Charter(mesh: name, authority: one, recovery: two, serial: 0),
    ]
    for charter in charters { #expect(throws: DocumentError.self) { try charter.check() } }
    let successions = [
      Succession(
        mesh: name, serial: 2, former: one, authority: one, recovery: two, memberships: 0, revoked: 0,
        charter: nil),
      Succession(
        mesh: name, serial: 2, former: one, authority: two, recovery: weak, memberships: 0, revoked: 0,
        charter: nil),
      Succession(
        mesh: name, serial: 2, former: one, authority: two, recovery: try FakeSigner("3").publicKey,
        memberships: -1, revoked: 0, charter: nil),
    ]
    for succession in successions { #expect(throws: DocumentError.self) { try succession.check() } }
  }

  @Test("a recovery key survives paper: case, blanks, hyphens and look-alikes", arguments: UInt64(0)..<50)
  func recoveryKeyText(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let key = Secret((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
    let text = RecoveryKeyText.encode(key, using: cryptography)
    #expect(text.count == 69 && text.split(separator: "-").allSatisfy { $0.count == 4 })
    let copied = text.lowercased().replacing("-", with: "  ").replacing("o", with: "0").replacing(
      "i", with: "1")
    #expect(RecoveryKeyText.decode(copied, using: cryptography) == key)
    let position = text.index(text.startIndex, offsetBy: Int.random(in: 0..<4, using: &random))
    let other = text[position] == "A" ? "B" : "A"
    var misread = text
    misread.replaceSubrange(position...position, with: other)
    #expect(RecoveryKeyText.decode(misread, using: cryptography) == nil)
    for spoilt in [String(text.dropLast()), text + "A", text + "AAAAAAAA", "", "9" + text.dropFirst()] {
      #expect(RecoveryKeyText.decode(spoilt, using: cryptography) == nil)
    }
  }
}
