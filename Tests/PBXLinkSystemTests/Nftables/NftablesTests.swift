// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import Glibc
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite(
  "nftables", .serialized,
  .enabled(if: PacketLab.unavailable == nil, Comment(rawValue: PacketLab.unavailable ?? "")))
struct NftablesTests {
  @Test("what is applied reads back equal, twice, with nothing left to change")
  func readBack() async throws {
    try await PacketLab.run { lab in
      #expect(try await lab.nftables.observe() == nil)
      #expect(try await lab.nftables.counters() == nil)
      for seed in UInt64(0)..<40 {
        var random = SplitMix64(seed: seed)
        let configuration = Self.random(using: &random)
        for round in 0..<2 {
          let made = try await lab.nftables.apply(configuration)
          #expect(made.isEmpty == (round == 1), "seed \(seed)")
          let observed = try #require(try await lab.nftables.observe())
          #expect(observed == ObservedFirewall(configuration), "seed \(seed)")
          #expect(changes(from: observed, to: configuration) == [], "seed \(seed)")
        }
      }
    }
  }

  @Test("an edit by someone else is found")
  func drift() async throws {
    try await PacketLab.run { lab in
      try await lab.nftables.apply(Self.configuration)
      _ = try await lab.nft("add element inet pbxlink members_v4 { 10.77.0.66 }")
      var observed = try await lab.nftables.observe()
      let intruder = try #require(IPAddress("10.77.0.66"))
      #expect(changes(from: observed, to: Self.configuration) == [.removeMember(intruder)])
      _ = try await lab.nft("insert rule inet pbxlink from_tunnel accept")
      observed = try await lab.nftables.observe()
      #expect(changes(from: observed, to: Self.configuration).count == 2)
      _ = try await lab.nft("flush ruleset")
      observed = try await lab.nftables.observe()
      #expect(changes(from: observed, to: Self.configuration) == [.createTable])
    }
  }

  @Test("applying and removing leave the tables of others as they were")
  func othersTables() async throws {
    try await PacketLab.run { lab in
      _ = try await lab.nft(
        "table inet filter { set s { type ipv4_addr; elements = { 192.0.2.1 } }; "
          + "chain input { type filter hook input priority 0; ip saddr @s counter drop; }; }")
      _ = try await lab.nft("table ip pbxlink { chain x { }; }")
      let before = try await lab.nft("list ruleset")
      try await lab.nftables.apply(Self.configuration)
      #expect(try await lab.nft("list ruleset") != before)
      try await lab.nftables.remove()
      #expect(try await lab.nft("list ruleset") == before)
      try await lab.nftables.remove()
      #expect(try await lab.nft("list ruleset") == before)
    }
  }

  @Test("a table that nft refuses leaves the former one in place")
  func refused() async throws {
    try await PacketLab.run { lab in
      try await lab.nftables.apply(Self.configuration)
      var broken = Self.configuration
      broken.interfaces = ["an-interface-name-that-is-too-long"]
      let error = await #expect(throws: NftablesError.self) { try await lab.nftables.apply(broken) }
      guard case .failed = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(try await lab.nftables.observe() == ObservedFirewall(Self.configuration))
    }
  }

  @Test("a table that reads back differently is rolled back, and the line is named")
  func rollBack() async throws {
    try await PacketLab.run { lab in
      try await lab.nftables.apply(Self.configuration)
      let directory = FileManager.default.temporaryDirectory.appending(path: "pbxlink-nft-\(getpid())")
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: directory) }
      // An nft that, like a version with a bug, loses a rule on the way into the kernel.
      let faulty = directory.appending(path: "nft")
      let script =
        "#!/bin/sh\nif [ \"$1\" = --file ]; then sed '/icmp type/d' | \(lab.nftCommand) --file -\n"
        + "else \(lab.nftCommand) \"$@\"; fi\n"
      try Data(script.utf8).write(to: faulty)
      chmod(faulty.path, 0o755)
      var desired = Self.configuration
      desired.members.removeFirst()
      let error = await #expect(throws: NftablesError.self) {
        try await Nftables(command: [faulty.path]).apply(desired)
      }
      #expect(error?.description.contains("wanted 'icmp type echo-request accept'") == true)
      #expect(error?.description.contains("the former table is back") == true)
      // Put back through the same faulty nft, so but for that rule.
      let observed = try #require(try await lab.nftables.observe())
      #expect(observed.elements == ObservedFirewall(Self.configuration).elements)
    }
  }

  @Test(
    "the table is read only after somebody has changed the ruleset, and a change by others is still found")
  func generation() async throws {
    try await NetworkNamespace.with(count: 1) { namespaces in
      let namespace = namespaces[0]
      let generation = try await namespace.inside { try RulesetGeneration() }
      let nft = FileManager.default.temporaryDirectory.appending(path: "pbxlink-nft-counting-\(getpid())")
      let calls = nft.path + ".calls"
      defer { for path in [nft.path, calls] { try? FileManager.default.removeItem(atPath: path) } }
      let script = "#!/bin/sh\necho >>\(calls)\nexec ip netns exec \(namespace.name) nft \"$@\"\n"
      try Data(script.utf8).write(to: nft)
      chmod(nft.path, 0o755)
      func count() -> Int { FileManager.default.contents(atPath: calls)?.count ?? 0 }
      let nftables = Nftables(command: [nft.path], generation: generation)
      #expect(try await !nftables.apply(Self.configuration).isEmpty)
      #expect(try await nftables.apply(Self.configuration).isEmpty)
      let once = count()
      for _ in 0..<3 { #expect(try await nftables.apply(Self.configuration).isEmpty) }
      #expect(count() == once)
      try await namespace.exec("nft", "add", "table", "inet", "other")
      #expect(try await nftables.apply(Self.configuration).isEmpty)
      #expect(count() == once + 1)
      try await namespace.exec("nft", "flush", "set", "inet", "pbxlink", "members_v4")
      #expect(try await !nftables.apply(Self.configuration).isEmpty)
      #expect(try await nftables.observe() == ObservedFirewall(Self.configuration))
      var other = Self.configuration
      other.members.removeFirst()
      #expect(try await !nftables.apply(other).isEmpty)
      #expect(try await nftables.observe() == ObservedFirewall(other))
    }
  }

  @Test("a missing nft and missing permission are named with their remedy")
  func environment() async throws {
    let missing = await #expect(throws: NftablesError.self) {
      try await Nftables(command: ["/nonexistent/nft"]).observe()
    }
    #expect(missing == .missing(command: "/nonexistent/nft"))
    #expect(missing?.description.contains("install the package nftables") == true)
    let refused = await #expect(throws: NftablesError.self) {
      try await Nftables(command: ["setpriv", "--reuid=65534", "--clear-groups", "/usr/sbin/nft"]).remove()
    }
    #expect(refused == .notPermitted("delete the table"))
    #expect(refused?.description.contains("CAP_NET_ADMIN") == true)
  }

  static let configuration = FirewallConfiguration(
    interfaces: ["pbxlink0"], members: addresses("10.77.0.2 10.77.0.5 fd5a::2"),
    invited: addresses("10.77.0.4"), meshNetworks: prefixes("10.77.0.0/16 fd5a::/48"), exchangePort: 4570,
    probePort: 4571, iaxPort: 4569, tunnelPort: 51820, protectIAX: true,
    allowedIAX: prefixes("192.0.2.3/32 2001:db8::3/128"))

  static func addresses(_ text: String) -> [IPAddress] {
    text.split(separator: " ").compactMap { IPAddress(String($0)) }
  }

  static func prefixes(_ text: String) -> [IPPrefix] {
    text.split(separator: " ").compactMap { IPPrefix(String($0)) }
  }

  private static func random(using random: inout SplitMix64) -> FirewallConfiguration {
    func address() -> IPAddress {
      let family: IPAddress.Family = Bool.random(using: &random) ? .v4 : .v6
      // Few set bits: runs of zeros and mapped addresses, which have several spellings.
      let value = UInt128.random(in: 0...UInt128.max, using: &random)
      let mask = UInt128.max >> UInt128(Int.random(in: 0...127, using: &random))
      return IPAddress(family: family, value: value & mask)
    }
    func prefix() -> IPPrefix {
      let address = address()
      let length = Int.random(in: 0...address.family.bitWidth, using: &random)
      return IPPrefix(address, length: length) ?? IPPrefix(host: address)
    }
    func some<Value>(_ value: () -> Value) -> [Value] {
      let most = Bool.random(using: &random) ? 3 : 40
      return (0..<Int.random(in: 0...most, using: &random)).map { _ in value() }
    }
    func port() -> UInt16 { .random(in: 1...65535, using: &random) }
    let names = ["pbxlink0", "pbxlink-1", "pbxlink-22", "wg0", "a.b_c"]
    return FirewallConfiguration(
      interfaces: names.filter { _ in Bool.random(using: &random) },
      peerInterfaces: ["pbxlink-7", "pbxlink-65534"].map { .init(name: $0, addresses: some(address)) },
      members: some(address), invited: some(address),
      meshNetworks: some(prefix), exchangePort: port(), probePort: port(), iaxPort: port(),
      tunnelPort: port(),
      protectIAX: Bool.random(using: &random), allowedIAX: some(prefix))
  }
}
