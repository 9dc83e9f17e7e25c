// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite(
  "What changes of the tunnel cost a call",
  .enabled(
    if: NetworkNamespace.kernelTunnelObstacle == nil,
    Comment(rawValue: NetworkNamespace.kernelTunnelObstacle ?? "")))
struct CallGapTests {
  @Test("changes beside a call lose no packet, its own new key at most ten each way")
  func packets() async throws {
    try await WireGuardSite.withPair(.kernel) { one, two in
      let link = try two.peer(reachable: true)
      try await WireGuardSite.link(one, two)
      #expect(try await eventually { try await one.reaches(two) })
      try await CallTraffic.between(one, two) { call in
        func expectNone(
          _ what: String, changes count: Int, _ body: () async throws -> [TunnelChange]
        ) async throws {
          var plan: [TunnelChange] = []
          let losses = try await call.losses { plan = try await body() }
          print("lost when \(what): \(losses[0]), \(losses[1])")
          #expect(losses.allSatisfy { $0.lost == 0 }, "\(what)")
          #expect(plan.count == count)
        }

        try await expectNone("nothing is done", changes: 0) { [] }

        var others = crowd(100)
        try await expectNone("100 peers are added beside it", changes: 100) {
          try await one.apply([link] + others)
        }
        for index in others.indices { others[index].keepalive = 25 }
        try await expectNone("100 peers are changed beside it", changes: 100) {
          try await one.apply([link] + others)
        }
        others.removeLast(90)
        // All but four are cut off and wait for their turn.
        try await expectNone("90 peers are removed beside it", changes: 86 + 90) {
          var made: [TunnelChange] = []
          while case let plan = try await one.apply([link] + others), !plan.isEmpty { made += plan }
          return made
        }
        let everything = PBXLinkCore.changes(
          from: nil, to: try one.configuration([link] + others), at: Timestamp(seconds: 0)
        ).filter { $0 != .createLink }
        try await expectNone("all of the same state is set again", changes: everything.count) {
          try await one.backend.apply(everything, to: one.configuration([link] + others))
          return everything
        }

        let renewed = try two.withNewKey()
        let accepting = try await one.changes([renewed.peer(reachable: true)] + others)
        let switching = try await renewed.changes([one.peer(reachable: false)])
        let losses = try await call.losses {
          try await one.backend.apply(
            accepting, to: one.configuration([renewed.peer(reachable: true)] + others))
          try await renewed.backend.apply(switching, to: renewed.configuration([one.peer(reachable: false)]))
        }
        print("lost when its key is changed, the new one accepted first: \(losses[0]), \(losses[1])")
        #expect(losses.allSatisfy { $0.lost <= 10 })

        // The site moves; the candidate that is configured for it leads nowhere from now on.
        try await two.space.ip("address", "delete", "192.0.2.2/24", "dev", "wan")
        try await two.space.ip("address", "add", "192.0.2.102/24", "dev", "wan")
        let key = renewed.key.publicKey
        #expect(
          try await eventually {
            try await one.observe()?.peers[key]?.endpoint?.description == "192.0.2.102:51820"
          })
        let moved = try renewed.peer(reachable: true)
        try await expectNone("our plan runs after it has roamed", changes: 0) {
          try await one.apply([moved] + others) + renewed.apply([one.peer(reachable: false)])
        }
        let outage = try await call.losses(followedBy: 100) {
          try await one.backend.apply(
            [.removePeer(key, replaced: false), .addPeer(moved, takingOverFrom: [])],
            to: one.configuration([moved] + others))
        }
        print("lost within 2 s when the endpoint that it roamed to is forgotten: \(outage[0]), \(outage[1])")
        #expect(outage.allSatisfy { $0.lost >= 90 }, "the count would show such a plan")
      }
    }
  }
}
