// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import PBXLinkCore
import PBXLinkSystem

/// One end of the probe benchmark, in a network namespace: `a` is one site with many peers, `b` is all of them.
struct ProbeEnd {
  private static let measured = Duration.seconds(20)
  static let cuts = 100

  let isHub: Bool
  let peers: Int
  let interval: Duration
  let task: String
  let other: pid_t?

  init?(_ arguments: [String]) {
    guard arguments.count >= 4, let peers = Int(arguments[1]), let milliseconds = Int(arguments[2]) else {
      return nil
    }
    (isHub, self.peers, task) = (arguments[0] == "a", peers, arguments[3])
    interval = .milliseconds(milliseconds)
    other = arguments.count > 4 ? pid_t(arguments[4]) : nil
  }

  func run() async throws {
    let timing = BFDSession.Timing(transmit: interval, receive: interval, multiplier: 5)
    let probes = PathProbes(port: 4571, timing: timing)
    await probes.watch((1...peers).compactMap(target))
    try await withThrowingTaskGroup { group in
      group.addTask { try await probes.run() }
      defer { group.cancelAll() }
      while await !areAll(.up, probes) { try await Task.sleep(for: .milliseconds(100)) }
      switch task {
      case "load": print(try await load(probes))
      case "cuts": print(Self.summary(try await cutTimes(probes)))
      default: try await group.next()
      }
    }
  }

  private func target(_ number: Int) -> ProbeTarget? {
    guard let site = SiteName("site-\(number)"), let hub = IPAddress("10.99.0.1"),
      let peer = IPAddress("10.99.\(1 + number / 250).\(1 + number % 250)")
    else { return nil }
    return ProbeTarget(
      site: site, path: .wireguard, interface: "probes", peer: isHub ? peer : hub, local: isHub ? hub : peer)
  }

  private func areAll(_ condition: PathState.Condition, _ probes: PathProbes) async -> Bool {
    let states = await probes.states
    return states.count == peers && states.values.allSatisfy { $0[.wireguard]?.condition == condition }
  }

  /// The share of a core that this process takes.
  private func load(_ probes: PathProbes) async throws -> String {
    let before = Self.processorTime()
    let start = ContinuousClock.now
    try await Task.sleep(for: Self.measured)
    let share = (Self.processorTime() - before) / (ContinuousClock.now - start)
    let lateness = await probes.lateness.sorted()
    return decimal(share * 100, places: 2) + " %, of \(lateness.count) probes 99 % at most "
      + "\(lateness[lateness.count * 99 / 100].milliseconds) late"
  }

  private static func processorTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  /// How long it takes until a peer that falls silent is down, at any moment between two of its packets.
  private func cutTimes(_ probes: PathProbes) async throws -> [Duration] {
    guard let other else { return [] }
    var times: [Duration] = []
    for _ in 0..<Self.cuts {
      while await !areAll(.up, probes) { try await Task.sleep(for: .milliseconds(20)) }
      try await Task.sleep(for: .seconds(1) + .milliseconds(Int.random(in: 0..<100)))
      let start = ContinuousClock.now
      kill(other, SIGSTOP)
      defer { kill(other, SIGCONT) }
      while await areAll(.up, probes) { try await Task.sleep(for: .milliseconds(2)) }
      times.append(ContinuousClock.now - start)
    }
    return times
  }

  static func summary(_ times: [Duration]) -> String {
    let times = times.sorted()
    guard times.count > 1 else { return "none" }
    return "median \(times.median.milliseconds), 99 within \(times[times.count - 2].milliseconds), "
      + "least \(times[0].milliseconds)"
  }
}
