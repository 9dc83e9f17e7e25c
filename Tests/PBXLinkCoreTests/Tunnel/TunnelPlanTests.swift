// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@Suite("Tunnel plan")
struct TunnelPlanTests: TunnelFixtures {
  let now = Timestamp(seconds: 1_800_000_000)
  let absent = ObservedTunnel(interface: "pbxlink0", link: .missing)

  @Test("a tunnel is made in an order in which nothing can leak")
  func creation() throws {
    let peer = TunnelPeer(
      publicKey: try key(2), allowedIPs: [try prefix("10.77.0.2")],
      endpoint: try endpoint("203.0.113.2:51820"),
      keepalive: 25)
    let plan = changes(from: nil, to: try configuration(peers: [peer]), at: now)
    #expect(
      plan == [
        .addGuard(try prefix("10.77.0.0/16")), .createLink,
        .addAddress(InterfaceAddress(try prefix("10.77.0.1"))), .setMTU(1420), .setUp,
        .addRoute(try prefix("10.77.0.0/16")), .setKey(try key(1), replacing: false), .setListenPort(51820),
        .addPeer(peer, takingOverFrom: []),
      ])
    #expect(plan.allSatisfy { $0.expectedGap == .free })
  }

  @Test("a peer that gets its first endpoint is made anew, so that it makes a handshake at once")
  func firstEndpoint() throws {
    var peer = TunnelPeer(publicKey: try key(2), allowedIPs: [try prefix("10.77.0.2")], keepalive: 25)
    var observed = absent.applying(changes(from: nil, to: try configuration(peers: [peer]), at: now))
    peer.endpoint = try endpoint("198.51.100.7:51820")
    let desired = try configuration(peers: [peer])
    let plan = changes(from: observed, to: desired, at: now)
    #expect(
      plan == [.removePeer(peer.publicKey, replaced: true), .addPeer(peer, takingOverFrom: [])])
    #expect(plan.allSatisfy { $0.expectedGap == .free })
    #expect(changes(from: observed.applying(plan), to: desired, at: now).isEmpty)
    // One that has called us before is not.
    observed.peers[peer.publicKey]?.lastHandshake = now + -300
    let update = changes(from: observed, to: desired, at: now)
    guard case .updatePeer = try #require(update.first), update.count == 1 else {
      Issue.record("\(update)")
      return
    }
  }

  @Test("a tunnel that is as desired needs no change")
  func idempotence() throws {
    let desired = try configuration(peers: [TunnelPeer(publicKey: key(2), allowedIPs: [prefix("10.77.0.2")])])
    let observed = absent.applying(changes(from: nil, to: desired, at: now))
    #expect(changes(from: observed, to: desired, at: now).isEmpty)
  }

  @Test("adding a site touches one peer")
  func addition() throws {
    let peers = try (UInt8(2)...200).map {
      TunnelPeer(publicKey: try key($0), allowedIPs: [try prefix("10.77.0.\($0)")])
    }
    let observed = absent.applying(
      changes(from: nil, to: try configuration(peers: peers.dropLast()), at: now))
    let plan = changes(from: observed, to: try configuration(peers: peers), at: now)
    #expect(plan == [.addPeer(try #require(peers.last), takingOverFrom: [])])
  }

  @Test(
    "a learned endpoint is left alone while its keys are valid",
    arguments: [(180, false), (181, true), (-50, false)])
  func roaming(age: Int64, changed: Bool) throws {
    let candidate = try endpoint("198.51.100.7:51820")
    let desired = try configuration(
      peers: [TunnelPeer(publicKey: key(2), allowedIPs: [prefix("10.77.0.2")], endpoint: candidate)])
    var observed = absent.applying(changes(from: nil, to: desired, at: now))
    observed.peers[try key(2)]?.endpoint = try endpoint("192.0.2.44:1025")
    observed.peers[try key(2)]?.lastHandshake = now + -age
    let plan = changes(from: observed, to: desired, at: now)
    if changed {
      guard case .updatePeer(let update, _) = plan.first else {
        Issue.record("no update of the peer in \(plan)")
        return
      }
      #expect(update.endpoint == candidate && update.allowedIPs == nil && update.keepalive == nil)
    }
    #expect(plan.count == (changed ? 1 : 0))
  }

  @Test("an endpoint is not taken away from a peer for which there is no candidate")
  func noCandidate() throws {
    let desired = try configuration(peers: [TunnelPeer(publicKey: key(2), allowedIPs: [prefix("10.77.0.2")])])
    var observed = absent.applying(changes(from: nil, to: desired, at: now))
    observed.peers[try key(2)]?.endpoint = try endpoint("192.0.2.44:1025")
    #expect(changes(from: observed, to: desired, at: now).isEmpty)
  }

  @Test("a peer's new key takes its addresses over before the old key goes")
  func rotation() throws {
    let old = TunnelPeer(publicKey: try key(2), allowedIPs: [try prefix("10.77.0.2")])
    let new = TunnelPeer(publicKey: try key(3), allowedIPs: [try prefix("10.77.0.2")])
    let observed = absent.applying(changes(from: nil, to: try configuration(peers: [old]), at: now))
    let plan = changes(from: observed, to: try configuration(peers: [new]), at: now)
    #expect(
      plan == [.addPeer(new, takingOverFrom: [try key(2)]), .removePeer(try key(2), replaced: true)])
    #expect(plan.map(\.expectedGap) == [.packets(6), .free])
  }

  @Test("a removed peer ends its link and nothing else changes")
  func removal() throws {
    let peers = try [2, 3].map {
      TunnelPeer(publicKey: try key($0), allowedIPs: [try prefix("10.77.0.\($0)")])
    }
    let observed = absent.applying(changes(from: nil, to: try configuration(peers: peers), at: now))
    let plan = changes(from: observed, to: try configuration(peers: [peers[0]]), at: now)
    #expect(plan == [.removePeer(try key(3), replaced: false)])
    #expect(plan.map(\.expectedGap) == [.endOfLink])
  }

  @Test("of many peers that go all are shut out at once and a few removed at a time")
  func manyRemovals() throws {
    let peers = try (UInt8(2)...20).map {
      TunnelPeer(publicKey: try key($0), allowedIPs: [try prefix("10.77.0.\($0)")], keepalive: 25)
    }
    var observed = absent.applying(changes(from: nil, to: try configuration(peers: peers), at: now))
    let desired = try configuration(peers: Array(peers.prefix(2)))
    var rounds: [Int] = []
    while case let plan = changes(from: observed, to: desired, at: now), !plan.isEmpty {
      #expect(plan.allSatisfy { $0.takesPeerAway })
      observed = observed.applying(plan)
      rounds.append(plan.count { if case .removePeer = $0 { true } else { false } })
      #expect(observed.peers.values.count { !$0.allowedIPs.isEmpty || $0.keepalive > 0 } == 2)
    }
    #expect(rounds == [4, 4, 4, 4, 1])
  }

  @Test("a new key of our own costs a handshake, on a fresh link nothing")
  func ownKey() throws {
    let peers = [TunnelPeer(publicKey: try key(2), allowedIPs: [try prefix("10.77.0.2")])]
    let observed = absent.applying(changes(from: nil, to: try configuration(peers: peers), at: now))
    let plan = changes(from: observed, to: try configuration(key: key(9), peers: peers), at: now)
    #expect(plan == [.setKey(try key(9), replacing: true)])
    #expect(plan.map(\.expectedGap) == [.packets(3)])
  }

  @Test("a peer's next key is let in without addresses, and gets them once it has made the last handshake")
  func nextKey() throws {
    let (old, new) = (try key(2), try key(3))
    let peer = TunnelPeer(
      publicKey: old, nextKey: new, allowedIPs: [try prefix("10.77.0.2")], keepalive: 25)
    let desired = try configuration(peers: [peer])
    var observed = absent.applying(changes(from: nil, to: desired, at: now))
    #expect(observed.peers[old]?.allowedIPs == peer.allowedIPs && observed.peers[new]?.allowedIPs == [])
    observed.peers[old]?.lastHandshake = now + -100
    #expect(changes(from: observed, to: desired, at: now).isEmpty)
    observed.peers[new]?.lastHandshake = now + -1
    let plan = changes(from: observed, to: desired, at: now)
    #expect(plan.contains { !$0.disruptedPeers.isEmpty } && plan.allSatisfy { !$0.expectedGap.isAudible })
    observed = observed.applying(plan)
    #expect(observed.peers[new]?.allowedIPs == peer.allowedIPs && observed.peers[old]?.allowedIPs == [])
    #expect(observed.peers[new]?.keepalive == 25 && observed.peers[old]?.keepalive == 0)
    // However old both become: who has changed does not go back.
    #expect(changes(from: observed, to: desired, at: now + 86_400).isEmpty)
    let announced = try configuration(peers: [
      TunnelPeer(publicKey: new, nextKey: key(4), allowedIPs: peer.allowedIPs, keepalive: 25)
    ])
    let end = changes(from: observed, to: announced, at: now)
    #expect(end.contains(.removePeer(old, replaced: true)) && end.allSatisfy { $0.expectedGap == .free })
  }

  @Test("while a peer answers with neither key, they take turns")
  func turns() throws {
    var peer = TunnelPeer(publicKey: try key(2), nextKey: try key(3), allowedIPs: [try prefix("10.77.0.2")])
    var observed = absent.applying(changes(from: nil, to: try configuration(peers: [peer]), at: now))
    peer.triesNextKey = true
    observed = observed.applying(changes(from: observed, to: try configuration(peers: [peer]), at: now))
    #expect(observed.peers[try key(3)]?.allowedIPs == peer.allowedIPs)
    peer.triesNextKey = false
    observed = observed.applying(changes(from: observed, to: try configuration(peers: [peer]), at: now))
    #expect(observed.peers[try key(2)]?.allowedIPs == peer.allowedIPs)
    observed.peers[try key(2)]?.lastHandshake = now
    peer.triesNextKey = true
    #expect(changes(from: observed, to: try configuration(peers: [peer]), at: now).isEmpty)
  }

  @Test("what others did to the interface is put right")
  func drift() throws {
    let desired = try configuration(addresses: ["10.77.0.1", "fd00::1"])
    var observed = absent.applying(changes(from: nil, to: desired, at: now))
    observed.link = .down
    observed.mtu = 9000
    observed.filtersReversePath = true
    let stranger = try prefix("192.0.2.7").address
    observed.addresses = [try #require(InterfaceAddress(stranger, length: 24))]
    observed.routes = [try prefix("10.0.0.0/8")]
    observed.guards = []
    let plan = changes(from: observed, to: desired, at: now)
    #expect(
      plan.map(\.description) == [
        "add route unreachable 10.77.0.0/16", "add address 10.77.0.1/32", "add address fd00::1/128",
        "set MTU 1420", "turn the reverse path filter off",
        "set the interface up", "add route 10.77.0.0/16", "remove route 10.0.0.0/8",
        "remove address 192.0.2.7/24",
      ])
    #expect(changes(from: observed.applying(plan), to: desired, at: now).isEmpty)
  }

  @Test("a path that carries less than the interface has a route that says so, which costs no call anything")
  func routeMTU() throws {
    let plain = try configuration()
    let observed = absent.applying(changes(from: nil, to: plain, at: now))
    let limited = try configuration(routeMTUs: ["10.77.0.2": 1304])
    let plan = changes(from: observed, to: limited, at: now)
    #expect(plan.map(\.description) == ["set MTU 1304 towards 10.77.0.2/32"])
    let other = try configuration(routeMTUs: ["10.77.0.2": 1296])
    let change = changes(from: observed.applying(plan), to: other, at: now)
    #expect(change == [.setRouteMTU(try prefix("10.77.0.2"), 1296)])
    let back = changes(from: observed.applying(plan), to: plain, at: now)
    #expect(back.map(\.description) == ["set no MTU towards 10.77.0.2/32"])
    #expect((plan + back).allSatisfy { $0.expectedGap == .free })
  }

  @Test("a link of another kind under our name is replaced behind its guards")
  func foreignLink() throws {
    var observed = ObservedTunnel(interface: "pbxlink0", link: .foreign(kind: "dummy"))
    observed.guards = [try prefix("10.77.0.0/16")]
    let plan = changes(from: observed, to: try configuration(), at: now)
    #expect(plan.starts(with: [.removeLink, .createLink]))
    #expect(plan.map(\.expectedGap).max() == .outage(milliseconds: 650))
  }

  @Test("without a desired tunnel the link goes first, its guards last")
  func down() throws {
    let observed = absent.applying(changes(from: nil, to: try configuration(), at: now))
    #expect(
      changes(from: observed, to: nil, at: now) == [.removeLink, .removeGuard(try prefix("10.77.0.0/16"))])
    var left = absent
    left.guards = [try prefix("10.77.0.0/16")]
    #expect(changes(from: left, to: nil, at: now) == [.removeGuard(try prefix("10.77.0.0/16"))])
    #expect(changes(from: nil, to: nil, at: now).isEmpty)
  }

  @Test("no description shows the private key")
  func secrecy() throws {
    let desired = try configuration(peers: [TunnelPeer(publicKey: key(2), allowedIPs: [prefix("10.77.0.2")])])
    let texts = changes(from: nil, to: desired, at: now).map { "\($0) \(String(reflecting: $0))" }
    #expect(!texts.contains { $0.contains("5a5a") || $0.contains("WlpaWlpa") || $0.contains("90, 90") })
  }

  @Test("any state leads to any other, and then nothing is left to do", arguments: UInt64(0)..<50)
  func convergence(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var observed: ObservedTunnel?
    for _ in 0..<20 {
      let desired = try randomConfiguration(&random)
      let plan = changes(from: observed, to: desired, at: now)
      var result = (observed ?? absent).applying(plan)
      let expected = expectedPeers(desired)
      #expect(
        result.peers.allSatisfy { expected[$0.key] != nil || $0.value.allowedIPs.isEmpty },
        "seed \(seed): a peer that is to go is shut out at once")
      // Only removals may be left, some at a time.
      let rest = changes(from: result, to: desired, at: now)
      #expect(rest.allSatisfy { $0.takesPeerAway }, "seed \(seed)")
      result = result.applying(rest)
      #expect(changes(from: result, to: desired, at: now).isEmpty, "seed \(seed)")
      #expect(result.peers.mapValues(\.allowedIPs) == expectedPeers(desired), "seed \(seed)")
      #expect(result.guards.isSuperset(of: result.routes), "seed \(seed)")
      observed = result
    }
  }

  private func expectedPeers(_ desired: TunnelConfiguration) -> [PublicKey: Set<IPPrefix>] {
    Dictionary(uniqueKeysWithValues: desired.peers.map { ($0.publicKey, $0.allowedIPs) })
  }

  private func randomConfiguration(_ random: inout SplitMix64) throws -> TunnelConfiguration {
    let keys = try (UInt8(2)...9).shuffled(using: &random).prefix(Int.random(in: 0...8, using: &random)).map(
      key)
    var owned: [PublicKey: Set<IPPrefix>] = [:]
    for host in 2...9 {
      if let owner = keys.randomElement(using: &random) {
        owned[owner, default: []].insert(try prefix("10.77.0.\(host)"))
      }
    }
    let peers = keys.map {
      TunnelPeer(
        publicKey: $0, allowedIPs: owned[$0] ?? [],
        endpoint: Bool.random(using: &random)
          ? ResolvedEndpoint(
            IPAddress(family: .v4, value: 0xc633_6400 + .random(in: 1...9, using: &random)), port: 9)
          : nil, keepalive: .random(in: 0...2, using: &random))
    }
    return try configuration(
      key: key(.random(in: 100...101, using: &random)), port: .random(in: 1...3, using: &random),
      addresses: ["10.77.0.\(Int.random(in: 200...202, using: &random))"],
      mtu: .random(in: 1280...1282, using: &random), peers: peers,
      routes: ["10.77.0.0/16", "10.78.0.0/16", "fd00::/64"].filter { _ in Bool.random(using: &random) },
      routeMTUs: ["10.77.0.3": 1300, "10.77.0.4": .random(in: 1290...1291, using: &random)].filter { _ in
        Bool.random(using: &random)
      })
  }
}
