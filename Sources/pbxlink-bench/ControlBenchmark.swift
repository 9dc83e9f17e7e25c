// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import Glibc
import PBXLinkCore
import PBXLinkSystem

/// What it costs to set, look at, change and take away many peers.
struct ControlBenchmark {
  private static let rounds = 7
  private let crowd: Crowd
  private let backend: KernelWireGuard
  private let clock = ContinuousClock()

  init() throws {
    crowd = try Crowd()
    backend = try KernelWireGuard(RouteNetlink())
  }

  func rows() async throws -> [Row] {
    let (ours, theirs) = ("pbxlink-ours", "pbxlink-theirs")
    var times: [String: [Duration]] = [:]
    func note(_ what: String, _ body: () async throws -> Void) async throws {
      times[what, default: []].append(try await clock.measure(body))
    }
    let file = "/tmp/pbxlink-bench.conf"
    try crowd.file(port: 52002).write(toFile: file, atomically: false, encoding: .utf8)
    var changed = crowd.peers
    // All at once, as the agent does not: it removes a few at a time.
    let leaving = crowd.peers.suffix(100).map(\.publicKey)
    let removals = leaving.map { TunnelChange.removePeer($0, replaced: false) }
    let gone = leaving.flatMap { ["peer", $0.wireGuardText, "remove"] }

    for round in 0..<Self.rounds {
      for name in [ours, theirs] {
        try await Command.run("ip link add \(name) type wireguard")
        try await Command.run("ip link set \(name) up")
      }
      try await note("start") { try await Command.run("wg --version") }
      let (all, additions) = try await self.plan(crowd.peers, for: ours)
      try await note("set") { try await backend.apply(additions, to: all) }
      try await note("setconf") { try await Command.run("wg setconf \(theirs) \(file)") }
      try await note("look") { _ = try await self.plan(crowd.peers, for: ours) }
      try await note("syncconf") { try await Command.run("wg syncconf \(theirs) \(file)") }
      changed[500].keepalive = UInt16(round) + 1
      let (configuration, plan) = try await self.plan(changed, for: ours)
      try await note("change") { try await backend.apply(plan, to: configuration) }
      try await note("remove 100") { try await backend.apply(removals, to: configuration) }
      try await note("wg remove 100") { try await Command.run(["wg", "set", theirs] + gone) }
      try await note("delete") { try await backend.remove(interface: ours) }
      // Takes many seconds, so once is enough.
      guard round == Self.rounds - 1 else {
        try await Command.run("wg setconf \(theirs) /dev/stdin", input: "[Interface]\n")
        try await Command.run("ip link delete \(theirs)")
        continue
      }
      try await note("ip link delete") { try await Command.run("ip link delete \(theirs)") }
    }
    func median(_ what: String) -> Duration { times[what, default: []].median }
    let start = median("start")
    return [
      Row("1,000 peers from nothing, `wg setconf`", median("set"), median("setconf"), target: "1.00"),
      Row("the same, less the start of `wg`", median("set"), median("setconf") - start),
      Row(
        "look and empty plan over 1,000 peers, `wg syncconf`", median("look"), median("syncconf"),
        target: "1.00"),
      Row("the same, less the start of `wg`", median("look"), median("syncconf") - start),
      Row(
        "one of 1,000 peers changed, against 1,000 from nothing", median("change"), median("set"),
        target: "0.05"),
      Row("100 of 1,000 peers removed, `wg set`", median("remove 100"), median("wg remove 100")),
      Row("interface with 900 peers deleted, `ip link delete`", median("delete"), median("ip link delete")),
    ]
  }

  /// Looks and plans, as each run of the agent does.
  private func plan(
    _ peers: [TunnelPeer], for interface: String
  ) async throws -> (TunnelConfiguration, [TunnelChange]) {
    let configuration = try crowd.configuration(interface, port: 52001, peers)
    let observed = try await backend.observe(interface: interface)
    return (
      configuration, changes(from: observed, to: configuration, at: Timestamp(seconds: Int64(time(nil))))
    )
  }
}
