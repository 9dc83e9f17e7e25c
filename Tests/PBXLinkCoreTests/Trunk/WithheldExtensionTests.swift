// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Guards of the dialplan")
struct WithheldExtensionTests {
  private func rules(_ context: String, _ configuration: TrunkConfiguration) -> [ExtensionPattern] {
    (configuration.expectedContexts[context] ?? []).compactMap { ExtensionPattern($0) }
  }

  private func randomPattern(_ random: inout SplitMix64) -> String {
    let letters = ["1", "2", "9", "X", "Z", "N", "[19]", "[0-4]"]
    return (0..<Int.random(in: 2...4, using: &random)).map { _ in letters.randomElement(using: &random) ?? "X"
    }
    .joined()
  }

  @Test("no announcement makes an emergency number or an own extension lead to a peer", arguments: 0..<50)
  func outbound(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let peers = try ["a", "b", "c"].map { name in
      try TrunkFixture.peer(name, extensions: (0..<3).map { _ in randomPattern(&random) })
    }
    let own = randomPattern(&random)
    let configuration = try TrunkFixture.configuration(peers: peers, own: [own])
    let outbound = rules(TrunkNames.outbound, configuration)
    for number in configuration.emergency { #expect(!outbound.contains { $0.matches(number) }) }
    #expect(!outbound.contains { rule in configuration.ownExtensions.contains(where: rule.overlaps) })
    for peer in peers {
      let entrance = configuration.expectedContexts[TrunkNames.from(peer.site)] ?? []
      // The exact extension is the guard; no pattern may reach the number behind it.
      #expect(entrance.isSuperset(of: configuration.emergency))
      let patterns = entrance.subtracting(configuration.emergency).compactMap { ExtensionPattern($0) }
      for number in configuration.emergency { #expect(!patterns.contains { $0.matches(number) }) }
    }
    let announced = peers.flatMap(\.extensions).count
    let withheld = configuration.withheldExtensions.count(where: { $0.site.description.count == 1 })
    #expect(announced - withheld >= outbound.count)
  }

  @Test("of two sites with overlapping extensions the first by name gets the rule, and a warning says so")
  func overlap() throws {
    let configuration = try TrunkFixture.configuration(peers: [
      try TrunkFixture.peer("b", extensions: ["30X"]), try TrunkFixture.peer("a", extensions: ["3XX"]),
    ])
    #expect(configuration.expectedContexts[TrunkNames.outbound] == ["_3XX"])
    #expect(
      configuration.withheldExtensions.map(\.description) == [
        "30X of site b overlaps extensions of site a: not routed"
      ])
  }

  @Test("without local context a peer reaches the probe and the refusals only")
  func noLocalContext() throws {
    let configuration = try TrunkFixture.configuration(peers: [try TrunkFixture.peer("b")], localContext: nil)
    #expect(configuration.expectedContexts["plk-from-b"] == ["plkprobe", "112", "911"])
    #expect(configuration.expectedContexts[TrunkNames.outbound] == ["_3XX"])
  }

  @Test("what hinders calls is warned of")
  func warnings() throws {
    let configuration = try TrunkFixture.configuration(
      peers: [try TrunkFixture.peer("b", codecs: [])], localContext: nil, phoneContexts: ["phnoes"])
    var observed = ObservedTrunk()
    let stopped = configuration.warnings(for: observed, port: 4569)
    #expect(
      stopped == [
        .notRunning, .contextUnknown("phnoes"), .noLocalContext, .noCommonCodec(try TrunkFixture.site("b")),
      ])
    observed.isRunning = true
    #expect(configuration.warnings(for: observed, port: 4569).first == .noIAX2)
    observed.hasIAX2 = true
    #expect(configuration.warnings(for: observed, port: 4569).first == .notListening(port: 4569))
    observed.openUDPPorts = [4569]
    observed.version = AsteriskVersion("Asterisk 18.4.0")
    let warnings = configuration.warnings(for: observed, port: 4569)
    #expect(warnings.count(where: { if case .version = $0 { true } else { false } }) == 2)
  }

  @Test(
    "known defects are told by version",
    arguments: [
      ("Asterisk 22.10.1+dfsg+~cs6.17", 0), ("Asterisk 16.28.0~dfsg-0+deb11u4", 1), ("Asterisk 16.19.0", 2),
      ("Asterisk 20.20.0", 0), ("Asterisk 21.5.0", 1), ("Asterisk certified/18.9-cert5", 1),
      ("Asterisk 23.0.0", 0),
      ("Asterisk 13.38.3", 2),
    ])
  func versions(output: String, advisories: Int) throws {
    #expect(try #require(AsteriskVersion(output)).advisories.count == advisories)
  }

  @Test("a development build has no version to judge")
  func noVersion() { #expect(AsteriskVersion("Asterisk GIT-master-1a2b3c") == nil) }
}
