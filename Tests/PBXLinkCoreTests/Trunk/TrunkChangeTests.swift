// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Changes of trunks")
struct TrunkChangeTests {
  private func site(_ name: String) throws -> SiteName { try TrunkFixture.site(name) }

  @Test("what is in place and in use needs no change")
  func same() throws {
    let configuration = try TrunkFixture.office()
    #expect(changes(from: try TrunkFixture.observed(configuration), to: configuration).isEmpty)
  }

  @Test("the first time, every line, file and site is named")
  func first() throws {
    var observed = ObservedTrunk()
    observed.missingIncludes = [.iax: "iax_custom_post.conf", .extensions: "extensions_custom.conf"]
    let steps = changes(from: observed, to: try TrunkFixture.office())
    #expect(
      steps == [
        .addInclude(.iax, parent: "iax_custom_post.conf"),
        .addInclude(.extensions, parent: "extensions_custom.conf"),
        .updateFile(.iax), .updateFile(.extensions), .updateFile(.manager),
        .addPeer(try site("branch-1")), .addPeer(try site("warehouse")),
      ])
    #expect(steps[0].description == "add '#tryinclude pbxlink/iax.conf' to iax_custom_post.conf")
  }

  @Test("a site that comes or goes touches no other")
  func oneSite() throws {
    let office = try TrunkFixture.office()
    let less = office.keepingPeers { $0.site.description != "branch-1" }
    #expect(changes(from: try TrunkFixture.observed(less), to: office) == [.addPeer(try site("branch-1"))])
    #expect(changes(from: try TrunkFixture.observed(office), to: less) == [.removePeer(try site("branch-1"))])
    #expect(try TrunkFixture.observed(office).sites == [try site("branch-1"), try site("warehouse")])
  }

  @Test("an update names the settings and shows no secret")
  func update() throws {
    let before = try TrunkFixture.configuration(peers: [try TrunkFixture.peer("b")])
    let after = try TrunkFixture.configuration(peers: [
      try TrunkFixture.peer("b", address: "10.77.0.9", encryption: false, inbound: [(2, 1)])
    ])
    let steps = changes(from: try TrunkFixture.observed(before), to: after)
    #expect(
      steps == [
        .updatePeer(try site("b"), settings: ["encryption", "forceencryption", "host", "permit", "users"])
      ])
    let limit = try TrunkFixture.configuration(peers: [try TrunkFixture.peer("b", limit: 9)])
    #expect(
      changes(from: try TrunkFixture.observed(before), to: limit) == [
        .updatePeer(try site("b"), settings: ["dialplan"])
      ])
    var edited = try TrunkFixture.observed(before)
    edited.files[.iax] = edited.files.iax.replacing("secret=a0", with: "secret=b0")
    let repair = changes(from: edited, to: before).map(\.description)
    #expect(repair == ["update the trunk to b: secret"])
  }

  @Test("an edit of the admin's in one of our files is put right", arguments: TrunkFile.allCases)
  func drift(file: TrunkFile) throws {
    let configuration = try TrunkFixture.office()
    for edit in ["\n", "x=1\n"] {
      var observed = try TrunkFixture.observed(configuration)
      observed.files[file] += edit
      #expect(changes(from: observed, to: configuration).count == 1)
    }
  }

  @Test("turning the manager interface on by hand takes our own switch out")
  func managerTurnedOn() throws {
    let configuration = try TrunkFixture.office()
    var observed = try TrunkFixture.observed(configuration)
    let lines = AsteriskConfigLine.lines(of: "[general]\nenabled = yes\n", file: "manager.conf")
    observed.findings[.manager] = AsteriskConfigFindings(lines, for: .manager)
    #expect(changes(from: observed, to: configuration) == [.updateFile(.manager)])
  }

  @Test("files that Asterisk has not loaded, or does not use, are loaded again")
  func reload() throws {
    let configuration = try TrunkFixture.office()
    var observed = try TrunkFixture.observed(configuration)
    observed.isVerified = false
    #expect(
      changes(from: observed, to: configuration) == [
        .reload(reason: "its files were written and not yet loaded")
      ])
    observed.isVerified = true
    observed.livePeers?.removeFirst()
    let steps = changes(from: observed, to: configuration)
    #expect(steps.count == 1)
    #expect(steps.first?.description.contains("peer plk_branch_1") == true)
    observed.livePeers = nil
    #expect(changes(from: observed, to: configuration).isEmpty, "Asterisk does not run")
  }

  @Test("each property of a live peer that differs is a mismatch")
  func mismatches() throws {
    let configuration = try TrunkFixture.configuration(peers: [try TrunkFixture.peer("b")])
    func mismatch(
      name: String = "plk_b", user: String = "plk_head_office.k1_1", address: String = "10.77.0.2",
      port: String = "4569", encrypted: Bool = true
    ) -> [String] {
      let peer = LiveTrunkPeer(
        name: name, userName: user, address: address, port: port, isEncrypted: encrypted, status: "")
      return configuration.mismatches(with: [peer]).map(\.object)
    }
    #expect(mismatch() == [])
    #expect(mismatch(user: "plk_head_office.k1_2") == ["peer plk_b"])
    #expect(mismatch(address: "(null)") == ["peer plk_b"])
    #expect(mismatch(port: "4570") == ["peer plk_b"])
    #expect(mismatch(encrypted: false) == ["peer plk_b"])
    #expect(mismatch(name: "plk_c") == ["peer plk_b", "peer plk_c"])
    #expect(mismatch(name: "admins-trunk") == ["peer plk_b"])
  }

  @Test("each context that differs is a mismatch")
  func dialplanMismatches() throws {
    let configuration = try TrunkFixture.office()
    var live = configuration.expectedContexts
    live["phones"] = ["911"]
    #expect(configuration.mismatches(withDialplan: live).isEmpty)
    live["plk-from-branch-1"]?.insert("_X.")
    live["plk-outbound"] = nil
    live["plk-from-gone"] = []
    #expect(
      configuration.mismatches(withDialplan: live).map(\.object) == [
        "context plk-from-branch-1", "context plk-outbound", "context plk-from-gone",
      ])
  }
}
