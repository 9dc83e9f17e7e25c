// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import CLinux
import Glibc
import PBXLinkCore
import PBXLinkSystem

/// TCP between two namespaces, through interfaces of ours and through such that `ip` and `wg` made.
enum ThroughputBenchmark {
  private static let rounds = 12

  static func row() async throws -> Row {
    for space in ["bench1", "bench2"] {
      try await Command.run("ip netns add \(space)")
      try await Command.run("ip -n \(space) link set lo up")
    }
    try await Command.run("ip -n bench1 link add wan type veth peer name wan netns bench2")
    for number in 1...2 {
      try await Command.run("ip -n bench\(number) address add 192.0.2.\(number)/24 dev wan")
      try await Command.run("ip -n bench\(number) link set wan up")
    }
    try await setUpOurs()
    try await setUpByHand()
    try await Command.run("ip netns exec bench2 iperf3 --server --daemon")
    var (ours, theirs) = (0.0, 0.0)
    // In turns, and the first of one turn is the second of the next: what else the machine does hits both alike.
    for _ in 0..<rounds {
      ours += try await rate(to: "10.77.0.2")
      theirs += try await rate(to: "10.78.0.2")
      theirs += try await rate(to: "10.78.0.2")
      ours += try await rate(to: "10.77.0.2")
    }
    func mean(_ sum: Double) -> String { "\(Int(sum / Double(2 * rounds))) Mbit/s" }
    return Row(
      what: "TCP between two namespaces, set up by `ip` and `wg`", ours: mean(ours), theirs: mean(theirs),
      ratio: ours / theirs, target: "0.98 at least")
  }

  private static func setUpOurs() async throws {
    let keys = [try X25519PrivateKey.generate(), try X25519PrivateKey.generate()]
    let addresses = ["10.77.0.1", "10.77.0.2"].compactMap(IPPrefix.init)
    for (me, other) in [(0, 1), (1, 0)] {
      let backend = try backend(in: "bench\(me + 1)")
      let peer = TunnelPeer(
        publicKey: keys[other].publicKey, allowedIPs: [addresses[other]],
        endpoint: Endpoint("192.0.2.\(other + 1):51820").flatMap(ResolvedEndpoint.init), keepalive: 25)
      let configuration = try TunnelConfiguration(
        interface: "pbxlink0", privateKey: keys[me].rawSecret, publicKey: keys[me].publicKey,
        listenPort: 51820, addresses: [addresses[me]], mtu: 1420, peers: [peer],
        routes: ["10.77.0.0/16"].compactMap(IPPrefix.init))
      try await backend.apply(
        changes(from: nil, to: configuration, at: Timestamp(seconds: Int64(time(nil)))), to: configuration)
    }
  }

  private static func setUpByHand() async throws {
    var keys: [(secret: String, open: String)] = []
    for _ in 0..<2 {
      let secret = try await Command.run("wg genkey")
      let open = try await Command.run("wg pubkey", input: secret)
      keys.append((secret, String(open.prefix { $0 != "\n" })))
    }
    for (me, other) in [(0, 1), (1, 0)] {
      let space = "bench\(me + 1)"
      try await Command.run("ip -n \(space) link add wg0 type wireguard")
      try await Command.run(
        "ip netns exec \(space) wg set wg0 private-key /dev/stdin listen-port 51821 peer \(keys[other].open) "
          + "allowed-ips 10.78.0.\(other + 1)/32 endpoint 192.0.2.\(other + 1):51821 persistent-keepalive 25",
        input: keys[me].secret)
      try await Command.run("ip -n \(space) address add 10.78.0.\(me + 1)/16 dev wg0")
      try await Command.run("ip -n \(space) link set wg0 mtu 1420 up")
    }
  }

  /// Opens the sockets on the calling thread while it is in the namespace.
  private static func backend(in space: String) throws -> KernelWireGuard {
    let (home, target) = (open("/proc/self/ns/net", O_RDONLY), open("/run/netns/\(space)", O_RDONLY))
    defer { for descriptor in [home, target] { close(descriptor) } }
    guard clinux_setns(target, clinux_network_namespace) == 0 else {
      throw Command.Failure(description: "cannot enter \(space): errno \(errno)")
    }
    defer { _ = clinux_setns(home, clinux_network_namespace) }
    return try KernelWireGuard(RouteNetlink())
  }

  /// Mbit/s that arrived within two seconds.
  private static func rate(to address: String) async throws -> Double {
    let report = try await Command.run(
      "ip netns exec bench1 iperf3 --client \(address) --time 2 --format m")
    let words = report.split(separator: "\n").last { $0.hasSuffix("receiver") }?.split(separator: " ") ?? []
    guard let unit = words.firstIndex(of: "Mbits/sec"), let rate = Double(words[unit - 1]) else {
      throw Command.Failure(description: "iperf3 says nothing of a rate: \(report)")
    }
    return rate
  }
}
