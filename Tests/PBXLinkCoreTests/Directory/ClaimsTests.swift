// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Claims of members")
struct ClaimsTests {
  let mesh: SampleMesh

  init() throws { mesh = try SampleMesh() }

  private func memberships(using random: inout SplitMix64) throws -> [Membership] {
    let patterns = ["2XX", "2[0-4]X", "25X", "2XXX", "21XX", "[2-4]XX", "NXX", "31X", "31", "32"]
    return try (0..<12).map { number in
      try mesh.membership(
        "site-\(number)", number: UInt8.random(in: 2...9, using: &random),
        identity: "key \(Int.random(in: 0...9, using: &random))",
        extensions: [0, 1].compactMap { _ in patterns.randomElement(using: &random) })
    }
  }

  @Test("members are rivals where they share an identity, an address or a number", arguments: UInt64(0)..<50)
  func rivals(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let members = try memberships(using: &random)
    var claims = Claims()
    for member in members { claims.add(member) }
    func shares(_ one: Membership, _ other: Membership) -> Bool {
      one.identity == other.identity || !Set(one.addresses).isDisjoint(with: other.addresses)
        || one.extensions.contains { pattern in other.extensions.contains(where: pattern.overlaps) }
    }
    for one in members {
      let rivals = members.filter { $0.site != one.site && shares(one, $0) }.map(\.site)
      #expect(claims.rivals[one.site, default: []] == Set(rivals))
    }
    for member in members.shuffled(using: &random) { claims.remove(member) }
    #expect(claims == Claims())
  }
}
