// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Tunnel address assignment")
struct TunnelAddressingTests {
  @Test("each name has its own usable address until the network is full, then none", arguments: 0..<50)
  func fillsNetwork(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let hostBits = Int.random(in: 2...6, using: &random)
    let base = Bool.random(using: &random) ? "10.77.32.0" : "fd12:3456:789a::"
    let address = try #require(IPAddress(base))
    let network = try #require(IPPrefix(address, length: address.family.bitWidth - hostBits))
    var taken: Set<IPAddress> = []
    for index in 0..<(1 << hostBits) - 2 {
      let site = try #require(SiteName("s\(seed)-\(index)"))
      let free = try #require(TunnelAddressing.address(for: site, in: network, taken: taken, hash: hash))
      #expect(network.contains(free) && !taken.contains(free))
      #expect(free != network.address)
      #expect(free.value & ~network.netmask.value != ~network.netmask.value & mask(network.family))
      #expect(TunnelAddressing.address(for: site, in: network, taken: taken, hash: hash) == free)
      taken.insert(free)
    }
    let late = try #require(SiteName("late"))
    #expect(TunnelAddressing.address(for: late, in: network, taken: taken, hash: hash) == nil)
    #expect(TunnelAddressing.throwAwayAddress(for: late, in: network, taken: taken, hash: hash) == nil)
  }

  @Test("removing another site's address does not move an address that was free")
  func stable() throws {
    let network = try #require(IPPrefix("10.77.0.0/16"))
    let site = try #require(SiteName("berlin"))
    let alone = try #require(TunnelAddressing.address(for: site, in: network, taken: [], hash: hash))
    let others = Set(
      (0..<1000).compactMap { index -> IPAddress? in
        SiteName("s\(index)").flatMap {
          TunnelAddressing.address(for: $0, in: network, taken: [alone], hash: hash)
        }
      })
    #expect(TunnelAddressing.address(for: site, in: network, taken: others, hash: hash) == alone)
    let throwAway = TunnelAddressing.throwAwayAddress(for: site, in: network, taken: [], hash: hash)
    #expect(throwAway != alone)
  }

  @Test("addresses spread over the network", arguments: ["10.77.0.0/16", "fd00::/48"])
  func spread(text: String) throws {
    let network = try #require(IPPrefix(text))
    let addresses = Set(
      (0..<100).compactMap { index in
        SiteName("site-\(index)").flatMap {
          TunnelAddressing.address(for: $0, in: network, taken: [], hash: hash)
        }
      })
    #expect(addresses.count >= 98)
  }

  @Test(
    "a network without room for two hosts gives none",
    arguments: ["10.0.0.1/32", "10.0.0.0/31", "fd00::/127"])
  func tooSmall(text: String) throws {
    let site = try #require(SiteName("a"))
    let network = try #require(IPPrefix(text))
    #expect(TunnelAddressing.address(for: site, in: network, taken: [], hash: hash) == nil)
  }

  @Test("the whole address space works too", arguments: ["0.0.0.0/0", "::/0"])
  func largest(text: String) throws {
    let network = try #require(IPPrefix(text))
    for index in 0..<50 {
      let site = try #require(SiteName("s\(index)"))
      let address = try #require(TunnelAddressing.address(for: site, in: network, taken: [], hash: hash))
      #expect(address.family == network.family && address.value != 0)
    }
  }

  @Test("the IPv6 network is a /48 of fd00::/8 that only the authority's key decides (RFC 4193)")
  func uniqueLocal() throws {
    let ulas = try #require(IPPrefix("fd00::/8"))
    let key = try #require(PublicKey(bytes: Array(repeating: 7, count: 32)))
    let other = try #require(PublicKey(bytes: Array(repeating: 8, count: 32)))
    let network = try #require(TunnelAddressing.uniqueLocalNetwork(of: key, hash: hash))
    #expect(network.length == 48 && ulas.contains(network.address))
    #expect(TunnelAddressing.uniqueLocalNetwork(of: key, hash: hash) == network)
    #expect(TunnelAddressing.uniqueLocalNetwork(of: other, hash: hash) != network)
  }

  private func mask(_ family: IPAddress.Family) -> UInt128 { family == .v4 ? 0xffff_ffff : .max }

  /// Stands for SHA-256: 32 bytes that depend on every byte of the input.
  private func hash(_ bytes: [UInt8]) -> [UInt8] {
    var generator = SplitMix64(seed: bytes.reduce(0) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 &+ 1 })
    return (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }
}
