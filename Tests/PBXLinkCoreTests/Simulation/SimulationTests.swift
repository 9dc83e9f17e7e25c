// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Simulated meshes")
struct SimulationTests {
  private func world(seed: UInt64) throws -> World {
    var configuration = Configuration()
    configuration.numbers.extensions = [try #require(ExtensionPattern("6XX"))]
    configuration.tunnel.endpoints = [try #require(Endpoint("203.0.113.1:51820"))]
    return try World(seed: seed, name: try #require(SiteName("head")), configuration: configuration)
  }

  @Test(
    "whatever networks, servers, admins and attackers do, links are safe at any time and whole in the end",
    arguments: Seeds.chosen)
  func chaos(seed: UInt64) throws {
    var world = try world(seed: seed)
    world.lossPermille = 200
    world.crashPermille = 30
    world.queue.schedule(.mischief, at: world.now + 1)
    try world.run(until: world.now + 600)
    world.calm()
    try world.run(until: world.now + 240)
    try world.checkConvergence()
  }
}

extension World {
  /// The network heals and everybody stays up.
  mutating func calm() {
    lossPermille = 0
    crashPermille = 0
    isolated = []
    isCalm = true
  }
}
