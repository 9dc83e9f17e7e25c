// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@Suite("Invitation")
struct InvitationTests {
  let mesh: SampleMesh
  let line: String

  init() throws {
    mesh = try SampleMesh()
    line = try mesh.invitation().text(signedBy: mesh.authority, using: mesh.cryptography)
  }

  private func parse(_ text: String, now: Timestamp = SampleMesh.now) throws(InvitationError) -> Invitation {
    try Invitation.parse(text, now: now, using: mesh.cryptography)
  }

  @Test("one line carries all of it")
  func roundTrip() throws {
    #expect(line.hasPrefix("pbxlink1."))
    #expect(line.split(whereSeparator: \.isWhitespace).count == 1)
    #expect(try parse(line) == mesh.invitation())
    #expect(try parse(line).meshIdentity == mesh.identity)
  }

  @Test("white space that mail programs and terminals add does no harm")
  func whitespace() throws {
    let wrapped = line.enumerated().map { $0 % 76 == 75 ? "\($1)\r\n" : "\($1)" }.joined()
    #expect(try parse("\n  \(wrapped)\t\n") == mesh.invitation())
  }

  @Test("cut anywhere, it says so")
  func cut() throws {
    for length in "pbxlink1.".count..<line.count {
      #expect(throws: InvitationError.cutShort, "length \(length)") { try parse(String(line.prefix(length))) }
    }
  }

  @Test("altered anywhere, it is refused")
  func altered() throws {
    for index in line.indices {
      let letter: Character = line[index] == "A" ? "B" : "A"
      let changed = line.replacingCharacter(at: index, with: letter)
      #expect(throws: InvitationError.self) { try parse(changed) }
    }
    let middle = line.index(line.startIndex, offsetBy: line.count / 2)
    let changed = line.replacingCharacter(at: middle, with: line[middle] == "A" ? "B" : "A")
    #expect(throws: InvitationError.altered) { try parse(changed) }
    #expect(throws: InvitationError.altered) { try parse(line + "AAAA") }
  }

  @Test("signed by another key than the authority that it names, it counts as altered")
  func foreignSigner() throws {
    let text = try mesh.invitation().text(signedBy: FakeSigner("mallory"), using: mesh.cryptography)
    #expect(throws: InvitationError.altered) { try parse(text) }
  }

  @Test("expired, it says when")
  func expired() throws {
    let end = SampleMesh.now + 3600
    #expect(try parse(line, now: SampleMesh.now + 3599) == mesh.invitation())
    #expect(throws: InvitationError.expired(at: end)) { try parse(line, now: end) }
    #expect(InvitationError.expired(at: end).description.contains("2027-01-15T09:00:00Z"))
  }

  @Test("another format is named")
  func otherVersion() throws {
    let newer = "pbxlink2." + line.dropFirst("pbxlink1.".count)
    #expect(throws: InvitationError.otherVersion("pbxlink2")) { try parse(newer) }
  }

  @Test(
    "anything else is no invitation",
    arguments: [
      "", " ", "hello", "eyJhbGciOiJFZERTQSJ9.e30.AA", "pbxlink.example.com", "pbxlinkx.a.b", "pbxlink1",
    ])
  func notAnInvitation(_ text: String) throws {
    #expect(throws: InvitationError.notAnInvitation) { try parse(text) }
  }

  @Test("a well-signed invitation of the wrong shape names the key and not the secret")
  func unreadable() throws {
    let json = try payloadText(mesh.sign(mesh.invitation()))
    let secret = Base64URL.encode(1...16)
    try #require(json.contains(secret))
    let text = try mesh.sign(
      json: json.replacing(secret, with: secret + "AAAA"), kind: .invitation, by: mesh.authority)
    let error = try #require(throws: InvitationError.self) { try parse("pbxlink1." + text) }
    guard case .unreadable(.badPayload(.invitation, "secret", _)) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(!error.description.contains(secret))
  }

  @Test("printing an invitation shows no secret")
  func printing() throws {
    var dump = ""
    Swift.dump(try mesh.invitation(), to: &dump)
    let text = dump + "\(try mesh.invitation())"
    #expect(text.contains("<secret>"))
    #expect(!text.contains("7, 7, 7") && !text.contains("1, 2, 3"))
  }
}

extension String {
  fileprivate func replacingCharacter(at index: Index, with letter: Character) -> String {
    String(self[..<index]) + String(letter) + self[self.index(after: index)...]
  }
}
