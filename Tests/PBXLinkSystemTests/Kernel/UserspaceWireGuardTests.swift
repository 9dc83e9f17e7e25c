// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite(
  "The process behind WireGuard in user space",
  .enabled(
    if: NetworkNamespace.tunnelObstacle == nil, Comment(rawValue: NetworkNamespace.tunnelObstacle ?? "")))
struct UserspaceWireGuardTests {
  @Test("the tunnel lives in a session of its own")
  func detached() async throws {
    try await WireGuardSite.withPair(.userspace) { one, two in
      try await one.apply([two.peer(reachable: true)])
      let process = try #require(await one.space.processes().first)
      #expect(getsid(process) != getsid(0))
    }
  }

  @Test("a killed wireguard-go leaves the guards standing and is replaced")
  func death() async throws {
    try await WireGuardSite.withPair(.userspace) { one, two in
      try await WireGuardSite.link(one, two)
      #expect(try await eventually { try await one.reaches(two) })
      let events = try await one.space.inside { try KernelEvents.stream() }
      kill(try #require(await one.space.processes().first), SIGKILL)
      for await event in events {
        if case .link(one.interface, present: false, _) = event { break }
      }
      let left = try #require(try await one.observe())
      #expect(left.link == .missing && left.guards.count == 2)
      #expect(try await !one.reaches(two))
      let plan = try await one.apply([two.peer(reachable: true)])
      #expect(plan.first == .createLink)
      #expect(try await eventually { try await one.reaches(two) })
      #expect(try await one.changes([two.peer(reachable: true)]).isEmpty)
    }
  }

  @Test("removal leaves no socket and no process")
  func removal() async throws {
    try await WireGuardSite.withPair(.userspace) { one, two in
      try await one.apply([two.peer(reachable: true)])
      try await one.backend.remove(interface: one.interface)
      #expect(access("/run/wireguard/\(one.interface).sock", F_OK) != 0)
      #expect(try await eventually { await one.space.processes().isEmpty })
    }
  }
}
