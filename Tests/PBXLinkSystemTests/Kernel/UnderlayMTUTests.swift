// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite(
  "MTU of the underlay",
  .enabled(if: NetworkNamespace.obstacle == nil, Comment(rawValue: NetworkNamespace.obstacle ?? "")))
struct UnderlayMTUTests {
  @Test("the smallest of interface and route counts, IPv4 and IPv6; what has no route does not")
  func smallest() async throws {
    try await NetworkNamespace.with(count: 1) { spaces in
      let space = spaces[0]
      try await space.ip("link", "add", "wan", "mtu", "1492", "type", "veth", "peer", "name", "far")
      try await space.ip("link", "set", "far", "up")
      try await space.ip("address", "add", "192.0.2.1/24", "dev", "wan")
      try await space.ip("address", "add", "2001:db8::1/64", "dev", "wan", "nodad")
      try await space.ip("link", "set", "wan", "up")
      try await space.ip("route", "add", "198.51.100.0/24", "via", "192.0.2.2", "mtu", "1400")
      let kernel = try await space.inside { try RouteNetlink() }
      func mtu(_ addresses: String...) async throws -> Int? {
        let parsed = try Set(addresses.map { try #require(IPAddress($0)) })
        return try await UnderlayMTU.smallest(towards: parsed, kernel: kernel)
      }
      #expect(try await mtu("192.0.2.9") == 1492)
      #expect(try await mtu("2001:db8::9") == 1492)
      #expect(try await mtu("192.0.2.9", "198.51.100.9") == 1400)
      #expect(try await mtu("203.0.113.1") == nil)
      #expect(try await mtu("203.0.113.1", "192.0.2.9") == 1492)
      #expect(try await mtu() == nil)
    }
  }
}
