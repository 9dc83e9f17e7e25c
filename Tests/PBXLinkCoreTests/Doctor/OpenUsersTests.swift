// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("IAX2 users without secret")
struct OpenUsersTests {
  @Test(
    "a user or friend that lets in whoever knows its name is found",
    arguments: [
      ("[guest]\ntype=user\n", true), ("[g]\ntype=friend\nsecret=\n", true),
      ("[g]\ntype=user\nauth=rsa\n", true),
      ("[t](!)\ntype=user\n[g](t)\ncontext=x\n", true), ("[g]\ntype=user\nsecret=s\n", false),
      ("[p]\ntype=peer\n", false), ("[t](!)\ntype=user\n", false), ("[general]\nport=4569\n", false),
      ("[t](!)\ntype=user\nsecret=s\n[g](t)\n", false), ("[g]\ntype=user\nauth=rsa\ninkeys=k\n", false),
      ("[g]\ntype=user\n[g](+)\nsecret=s\n", false), ("[g]\ntype=user\ndbsecret=a/b\n", false),
    ])
  func found(text: String, isOpen: Bool) {
    let users = openUsers(in: AsteriskConfigLine.lines(of: text, file: "iax.conf"))
    #expect(users.count == (isOpen ? 1 : 0))
  }

  @Test("the finding names file, line and user")
  func place() throws {
    let user = try #require(
      openUsers(in: AsteriskConfigLine.lines(of: "\n[guest]\ntype=user\n", file: "a")).first)
    #expect(user.description == "a:2: the IAX2 user [guest] has no secret")
  }
}
