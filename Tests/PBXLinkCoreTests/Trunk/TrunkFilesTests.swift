// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import PBXLinkCore
import Testing

@Suite("Files for Asterisk")
struct TrunkFilesTests {
  static let golden = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Golden/Trunk")

  private func compare(_ text: String, with name: String) throws {
    let file = Self.golden.appending(path: name)
    if ProcessInfo.processInfo.environment["PBXLINK_RECORD"] == "1" {
      try Data(text.utf8).write(to: file)
      Issue.record("recorded \(name)")
    }
    #expect(text == String(decoding: try Data(contentsOf: file), as: UTF8.self))
  }

  @Test(
    "two peers, one with two generations of keys, are rendered as recorded", arguments: TrunkFile.allCases)
  func office(file: TrunkFile) throws {
    let files = try TrunkFiles(try TrunkFixture.office(), enablingManager: false)
    try compare(files[file], with: "office-\(file)")
  }

  @Test("without local context and peers the rest is rendered as recorded", arguments: TrunkFile.allCases)
  func bare(file: TrunkFile) throws {
    let configuration = try TrunkFixture.configuration(peers: [], localContext: nil, phoneContexts: [])
    try compare(try TrunkFiles(configuration, enablingManager: true)[file], with: "bare-\(file)")
  }

  @Test("a relay among relays is rendered as recorded")
  func relays() throws {
    let files = try TrunkFiles(try TrunkFixture.relays(), enablingManager: false)
    try compare(files[.extensions], with: "relay-\(TrunkFile.extensions)")
  }

  @Test(
    "nothing leads from one peer to another unless we are a relay, and no further than the direct trunk then")
  func transit() throws {
    let plain = try TrunkFixture.configuration(peers: [try TrunkFixture.peer("hub", isRelay: true)])
    let text = try TrunkFiles(plain, enablingManager: false)[.extensions]
    #expect(!text.contains("plk-transit") && !text.contains("plk-entry-"))
    #expect(!text.contains("Gosub(plk-relayed"), "the only relay is the far end itself")
    let relay = try TrunkFiles(try TrunkFixture.relays(), enablingManager: false)[.extensions]
    let parts = relay.split(separator: "[plk-transit]")
    #expect(parts.count == 2 && !parts[1].contains("plk-relayed") && !parts[1].contains("plk-outbound"))
  }

  private func sections(_ text: String) -> [String: [(key: String, value: String)]] {
    var sections: [String: [(key: String, value: String)]] = [:]
    var current = ""
    for line in AsteriskConfigLine.lines(of: text, file: "") {
      if case .section(let name, _) = line.content { current = name }
      if case .entry(let key, let value) = line.content {
        sections[current, default: []].append((key, value))
      }
    }
    return sections
  }

  @Test("every section keeps the order and the keys on which Asterisk's reading depends")
  func keyOrder() throws {
    let sections = sections(try TrunkFiles(try TrunkFixture.office(), enablingManager: false).iax)
    #expect(sections.count == 5)
    #expect(sections["general"] == nil)
    for (name, entries) in sections {
      let keys = entries.map(\.key)
      func first(_ key: String) throws -> Int { try #require(keys.firstIndex(of: key), "\(key) in \(name)") }
      #expect(try first("deny") < first("permit"))
      #expect(try first("disallow") < first("allow"))
      if keys.contains("host") { #expect(try first("host") < first("port")) }
      #expect(entries.contains { $0 == ("trunk", "no") })
      #expect(entries.contains { $0 == ("requirecalltoken", "yes") })
      #expect(keys.count(where: { $0 == "secret" }) == 1)
      #expect(keys.count(where: { $0 == "context" }) == 1)
    }
  }

  @Test("all peers have the same keys, so that a reload resets what changed")
  func explicitKeys() throws {
    let sections = sections(try TrunkFiles(try TrunkFixture.office(), enablingManager: false).iax)
    let users = sections.filter { $0.key.contains(".") }.values.map { Set($0.map(\.key)) }
    let peers = sections.filter { !$0.key.contains(".") }.values.map { Set($0.map(\.key)) }
    #expect(Set(users).count == 1)
    #expect(Set(peers).count == 1)
  }

  @Test(
    "a context name that Asterisk could not read, or that is ours, is refused",
    arguments: [
      "", "a b", "a]", "x\ninclude => y", "plk-from-b", "PLK-call", "ä", String(repeating: "a", count: 80),
    ])
  func contextNames(name: String) throws {
    let local = try TrunkFixture.configuration(peers: [], localContext: name)
    #expect(throws: TrunkError.context(name)) { try TrunkFiles(local, enablingManager: false) }
    let phones = try TrunkFixture.configuration(peers: [], phoneContexts: [name])
    #expect(throws: TrunkError.context(name)) { try TrunkFiles(phones, enablingManager: false) }
  }

  @Test("a user name that is not the caller's is refused")
  func userNames() throws {
    let good = try TrunkFixture.peer("b")
    for name in ["plk_c.k1_1", "plk_b", "plk_b.k1_1\nsecret=x", "admin"] {
      let peer = TrunkPeer(
        site: good.site, address: good.address, port: good.port, callLimit: 1, codecs: good.codecs,
        encryption: true,
        extensions: [], outbound: good.outbound,
        inbound: [TrunkCredential(userName: name, secret: Secret([1]))])
      #expect(throws: TrunkError.userName(good.site, name)) {
        try TrunkFiles(try TrunkFixture.configuration(peers: [peer]), enablingManager: false)
      }
    }
  }

  @Test("a codec name with a line break or a space is left out")
  func codecs() throws {
    let peer = try TrunkFixture.peer("b", codecs: ["ulaw", "alaw\ntrunk=yes", "", "g 722"])
    let text = try TrunkFiles(try TrunkFixture.configuration(peers: [peer]), enablingManager: false).iax
    #expect(text.split(separator: "\n").filter { $0.hasPrefix("allow=") } == ["allow=ulaw", "allow=ulaw"])
    #expect(!text.contains("trunk=yes"))
  }

  @Test("an IPv6 peer is refused")
  func family() throws {
    let peer = try TrunkFixture.peer("b", address: "fd00::1")
    #expect(throws: TrunkError.address(peer.site, peer.address)) {
      try TrunkFiles(try TrunkFixture.configuration(peers: [peer]), enablingManager: false)
    }
  }

  @Test("neither description nor reflection of the files shows a secret")
  func secrets() throws {
    let files = try TrunkFiles(try TrunkFixture.office(), enablingManager: false)
    #expect(files.manager.contains("c0c0c0"))
    var dumped = ""
    dump(files, to: &dumped)
    for text in ["\(files)", String(reflecting: files), dumped] {
      #expect(!text.contains("c0c0c0") && !text.contains("a0a0a0"))
    }
  }
}
