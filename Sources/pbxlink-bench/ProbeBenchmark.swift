// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import PBXLinkCore

/// What probes cost: a packet to write and read, a thousand peers at a time; and how soon a dead one is noticed.
struct ProbeBenchmark {
  /// This program, which runs as both ends.
  let program: String

  func run() async throws {
    print("| what | pbxlink | target |")
    print("|---|---|---|")
    print("| a probe written and read, and its answer | \(Self.codec()) | 200 ns each way |")
    for (peers, milliseconds) in [(1000, 1000), (100, 50)] {
      let share = try await ends(peers, milliseconds, "load")
      print("| \(peers) peers, a probe each \(milliseconds) ms | \(share) | 5 % of a core |")
    }
    let times = try await ends(1, 100, "cuts")
    print("| 100 times a peer falls silent, 100 ms x 5 | \(times) | 99 within 600 ms |")
    let others = ProbeEnd.summary(try await FRR.cutTimes(ProbeEnd.cuts))
    print("| the same with FRR's bfdd | \(others) | |")
  }

  /// Writes and reads what goes there and back, many times; the median of some rounds.
  private static func codec() -> String {
    let rounds = (0..<21).map { _ in codecRound() }
    return "\(rounds.map(\.there).median) ns and \(rounds.map(\.back).median) ns"
  }

  /// Nanoseconds for one packet, and for one answer.
  private static func codecRound() -> (there: Int, back: Int) {
    let count = 50_000
    let stamp = NTPTimestamp(unixSeconds: 1_800_000_000, nanoseconds: 0)
    let liveness = BFDPacket(
      state: .up, detectMultiplier: 5, myDiscriminator: 1, yourDiscriminator: 2,
      desiredMinTransmit: .milliseconds(300), requiredMinReceive: .milliseconds(100))
    let clock = ContinuousClock()
    var arrived = STAMPPacket(sequence: 0, timestamp: stamp, liveness: liveness)
    var kept = 0
    let there = clock.measure {
      for sequence in 0..<UInt32(count) {
        let packet = STAMPPacket(sequence: sequence, timestamp: stamp, liveness: liveness)
        if let read = STAMPPacket(bytes: packet.bytes) { arrived = read }
      }
    }
    let back = clock.measure {
      for number in 0..<UInt32(count) {
        let answer = STAMPReflection(
          to: arrived, number: number, receivedAt: stamp, ttl: 255, sentAt: stamp, liveness: liveness)
        kept += STAMPReflection(bytes: answer.bytes)?.extensions.count ?? 0
      }
    }
    precondition(kept == 48 * count)
    func each(_ time: Duration) -> Int { Int(time / .nanoseconds(1)) / count }
    return (each(there), each(back))
  }

  /// Runs both ends in network namespaces of their own, joined by a cable, and gives what the first one prints. Each has
  /// a processor of its own, which also takes in what comes for it (RPS), as on hosts of their own: otherwise what the
  /// sender's does for the receiver would count as the sender's.
  private func ends(_ peers: Int, _ milliseconds: Int, _ task: String) async throws -> String {
    let script = """
      ulimit -n 8192
      for end in a b; do ip netns add pbxlink-bench-$end; done
      trap 'kill $other 2>/dev/null; for end in a b; do ip netns delete pbxlink-bench-$end; done' EXIT
      ip -netns pbxlink-bench-a link add probes type veth peer name probes netns pbxlink-bench-b
      for end in a b; do ip -netns pbxlink-bench-$end link set probes up; done
      ip -netns pbxlink-bench-a address add 10.99.0.1/16 dev probes
      seq \(peers) | awk '{ printf "address add 10.99.%d.%d/16 dev probes\\n", 1 + $1 / 250, 1 + $1 % 250 }' |
        ip -netns pbxlink-bench-b -batch -
      for end in a b; do
        test $end = a && mask=1 || mask=2
        echo "echo $mask > /sys/class/net/probes/queues/rx-0/rps_cpus" | ip netns exec pbxlink-bench-$end sh
      done
      ip netns exec pbxlink-bench-b taskset -c 1 '\(program)' probe-end b \(peers) \(milliseconds) answer </dev/null >/dev/null &
      other=$!
      ip netns exec pbxlink-bench-a taskset -c 0 '\(program)' probe-end a \(peers) \(milliseconds) \(task) $other
      """
    return try await Command.run(["sh", "-ec", script]).split(separator: "\n").joined(separator: " ")
  }
}
