// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Names inside Asterisk")
struct TrunkNamesTests {
  private func randomSite(_ random: inout SplitMix64) throws -> SiteName {
    // Few letters, so that sites look like each other, and like a peer's name with generations.
    let letters = Array("bk12-")
    while true {
      let text = String(
        (0..<Int.random(in: 1...7, using: &random)).map { _ in letters.randomElement(using: &random) ?? "b" })
      if let site = SiteName(text) { return site }
    }
  }

  @Test("no two of the names of any sites are equal, and each leads back to its site", arguments: 0..<50)
  func distinct(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let sites = Set(try (0..<40).map { _ in try randomSite(&random) })
    var names: [String] = []
    for site in sites {
      let users = [(1, 1), (1, 2), (2, 1), (12, 1)].map { (pair: (UInt32, UInt32)) in
        TrunkNames.user(caller: site, callerGeneration: pair.0, calleeGeneration: pair.1)
      }
      for name in users + [TrunkNames.peer(site)] { #expect(TrunkNames.site(ofSection: name) == site) }
      names += users + [TrunkNames.peer(site)]
    }
    #expect(Set(names.map { $0.lowercased() }).count == names.count)
    #expect(names.allSatisfy { $0.contains("_") })
  }

  @Test("channels of both directions lead to their site, others to none")
  func channels() throws {
    let names = [
      "IAX2/plk_b-123": "b", "IAX2/plk_b.k1_12-7": "b", "IAX2/plk_branch_1-44": "branch-1",
      "IAX2/trunk-5": nil,
      "SIP/plk_b-1": nil, "IAX2/plk_b": nil, "Local/200@phones-0001;2": nil,
    ]
    for (name, site) in names { #expect(TrunkNames.site(ofChannel: name)?.description == site, "\(name)") }
  }

  @Test("the pattern of a site's channels matches its own and no other site's")
  func pattern() throws {
    let pattern = try Regex(TrunkNames.channelPattern(try #require(SiteName("b"))))
    for name in ["IAX2/plk_b-1", "IAX2/plk_b.k3_4-16000"] { #expect(name.contains(pattern), "\(name)") }
    for name in [
      "IAX2/plk_b_1-1", "IAX2/plk_b_k3_4-1", "IAX2/plk_bb-1", "xIAX2/plk_b-1", "IAX2/plk_b.k3_4x-1",
    ] {
      #expect(!name.contains(pattern), "\(name)")
    }
  }

  @Test("the longest names fit into Asterisk's 80 characters")
  func lengths() throws {
    let site = try #require(SiteName(String(repeating: "a", count: 63)))
    #expect(TrunkNames.peer(site).utf8.count < 80)
    #expect(TrunkNames.from(site).utf8.count < 80)
    #expect(TrunkNames.user(caller: site, callerGeneration: 9999, calleeGeneration: 999).utf8.count < 80)
  }
}
