// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import Testing

@testable import PBXLinkCore

@Suite("Firewall table")
struct FirewallTests {
  private static let base = FirewallConfiguration(
    interfaces: ["pbxlink0"],
    peerInterfaces: [.init(name: "pbxlink-772", addresses: addresses("10.77.3.4 fd5a::10"))],
    members: addresses("10.77.200.9 10.77.3.4 fd5a::9 fd5a::10"),
    invited: addresses("10.77.8.8"), meshNetworks: prefixes("10.77.0.0/16 fd5a::/48"), exchangePort: 4570,
    probePort: 4571, iaxPort: 4569, tunnelPort: 51820, protectIAX: true,
    allowedIAX: prefixes("192.168.1.0/24 192.168.1.7 2001:db8::/32"))

  private static let empty = FirewallConfiguration(
    interfaces: [], members: [], invited: [], meshNetworks: [], exchangePort: 1, probePort: 2, iaxPort: 3,
    tunnelPort: 4, protectIAX: false, allowedIAX: [])

  private static let relay = {
    var relay = base
    relay.relayedIAX = [4569, 4580]
    return relay
  }()

  @Test(
    "the table is rendered as recorded",
    arguments: [("full", Self.base), ("empty", Self.empty), ("relay", Self.relay)])
  func golden(name: String, configuration: FirewallConfiguration) throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Golden/Firewall/\(name).nft")
    if ProcessInfo.processInfo.environment["PBXLINK_RECORD"] == "1" {
      try Data(configuration.listing.utf8).write(to: file)
      Issue.record("recorded \(file.path)")
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == configuration.listing)
  }

  @Test("order and duplicates of addresses do not matter")
  func canonical() {
    var shuffled = Self.base
    shuffled.members = Self.base.members.reversed() + Self.base.members
    shuffled.allowedIAX.reverse()
    #expect(shuffled.listing == Self.base.listing)
  }

  @Test("layout, wrapping, order of elements and spelling of addresses do not matter when read back")
  func normalisation() {
    let listing = Self.base.listing
      .replacing(
        "10.77.3.4 counter,\n\t\t\t     10.77.200.9 counter", with: "10.77.200.9 counter, 10.77.3.4 counter"
      )
      .replacing("fd5a::9 ", with: "fd5a:0::0009 ")
      .replacing("\t", with: "  ")
    #expect(listing != Self.base.listing)
    let observed = ObservedFirewall(listing: "# a remark of nft\n\n\(listing)")
    #expect(observed == ObservedFirewall(Self.base))
    #expect(changes(from: observed, to: Self.base) == [])
  }

  @Test("no table: create it")
  func missing() {
    #expect(changes(from: nil, to: Self.base) == [.createTable])
  }

  @Test("membership changes are told one by one, removals first")
  func membership() throws {
    var desired = Self.base
    let new = try #require(IPAddress("10.77.1.1"))
    desired.members = [new] + Self.base.members.dropFirst(1)
    desired.invited = [try #require(IPAddress("10.77.8.9"))]
    let found = changes(from: ObservedFirewall(Self.base), to: desired)
    #expect(
      found.map(\.description) == [
        "shut 10.77.200.9 out", "shut throw-away address 10.77.8.8 out", "let member 10.77.1.1 in",
        "let 10.77.8.9 reach the exchange to redeem its invitation",
      ])
  }

  @Test(
    "an edit anywhere in the table is found and named",
    arguments: [
      ("tcp dport 4570 counter name \"member_exchange\" accept", "accept"),
      ("iifname @tunnels goto from_tunnel\n", ""),
      ("10.77.0.0/16", "10.78.0.0/16"), ("\"pbxlink0\"", "\"eth0\""), ("192.168.1.0/24", "192.168.0.0/16"),
      ("udp sport 51820 ip dscp set ef\n", ""),
      ("\"pbxlink-772\" . 10.77.3.4", "\"pbxlink-772\" . 10.77.3.5"),
      ("policy accept", "policy drop"), ("10.77.8.8 counter", "10.77.8.8"),
    ])
  func drift(line: String, edited: String) throws {
    let listing = Self.base.listing.replacing(line, with: edited)
    let found = changes(from: ObservedFirewall(listing: listing), to: Self.base)
    guard found.count == 1, case .replaceTable(let difference) = found[0] else {
      Issue.record("\(found)")
      return
    }
    let wanted = line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(difference.description.contains(wanted))
  }

  @Test("a table that someone flushed is replaced, and its members are let in again")
  func flushed() {
    let found = changes(from: ObservedFirewall(listing: "table inet pbxlink {\n}\n"), to: Self.base)
    #expect(found.count == Self.base.members.count + Self.base.invited.count + 1)
  }

  @Test("changes are empty exactly when the tables are equal", arguments: 0..<100)
  func changesAreExact(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let left = Self.random(using: &random)
    let right = Bool.random(using: &random) ? left : Self.random(using: &random)
    let isEqual = ObservedFirewall(left) == ObservedFirewall(right)
    #expect(changes(from: ObservedFirewall(left), to: right).isEmpty == isEqual)
    #expect(
      (FirewallDifference(wanted: ObservedFirewall(left), found: ObservedFirewall(right)) == nil) == isEqual)
  }

  private static func random(using random: inout SplitMix64) -> FirewallConfiguration {
    var configuration = base
    configuration.members = base.members.filter { _ in Bool.random(using: &random) }
    configuration.invited = base.invited.filter { _ in Bool.random(using: &random) }
    configuration.allowedIAX = base.allowedIAX.filter { _ in Bool.random(using: &random) }
    configuration.peerInterfaces = base.peerInterfaces.filter { _ in Bool.random(using: &random) }
    configuration.protectIAX = Bool.random(using: &random)
    return configuration
  }

  private static func addresses(_ text: String) -> [IPAddress] {
    text.split(separator: " ").compactMap { IPAddress(String($0)) }
  }

  private static func prefixes(_ text: String) -> [IPPrefix] {
    text.split(separator: " ").compactMap { IPPrefix(String($0)) }
  }
}
