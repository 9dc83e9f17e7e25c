// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc

/// Two of FRR's BFD daemons with a session between them, 100 ms x 5, in network namespaces joined by a cable.
struct FRR {
  struct Failure: Error, CustomStringConvertible { let description: String }

  private static let root = ".build/peers"
  private static let directory = "/tmp/pbxlink-bench-frr"
  /// Answers end with three zero bytes and a status (lib/vty.c).
  private let terminal: Int32

  /// How long it takes each time until one that is stopped is down for the other.
  static func cutTimes(_ count: Int) async throws -> [Duration] {
    guard access("\(root)/usr/lib/frr/bfdd", X_OK) == 0 else {
      throw Failure(description: "no \(root)/usr/lib/frr/bfdd: run scripts/setup")
    }
    let other = try await start()
    do {
      let daemon = try Self()
      defer { close(daemon.terminal) }
      _ = try daemon.ask("enable")
      var times: [Duration] = []
      for _ in 0..<count {
        while try !daemon.isUp() { try await Task.sleep(for: .milliseconds(20)) }
        try await Task.sleep(for: .seconds(1) + .milliseconds(Int.random(in: 0..<100)))
        let start = ContinuousClock.now
        kill(other, SIGSTOP)
        defer { kill(other, SIGCONT) }
        while try daemon.isUp() { try await Task.sleep(for: .milliseconds(2)) }
        times.append(ContinuousClock.now - start)
      }
      try await stop()
      return times
    } catch {
      try await stop()
      throw error
    }
  }

  private init() throws {
    terminal = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: "\(Self.directory)/a/bfdd.vty".utf8) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(terminal, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw Failure(description: "bfdd does not answer") }
  }

  private func isUp() throws -> Bool { try ask("show bfd peers json").contains("\"status\":\"up\"") }

  private func ask(_ command: String) throws -> String {
    let bytes = Array(command.utf8) + [0]
    guard write(terminal, bytes, bytes.count) == bytes.count else {
      throw Failure(description: "bfdd has ended")
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 8192)
    while answer.suffix(4).prefix(3) != [0, 0, 0] {
      let count = read(terminal, &buffer, buffer.count)
      guard count > 0 else { throw Failure(description: "bfdd has ended") }
      answer += buffer[..<count]
    }
    return String(decoding: answer.dropLast(4), as: UTF8.self)
  }

  /// The process of the other daemon.
  private static func start() async throws -> pid_t {
    let script = """
      rm -rf \(directory)
      for end in a b; do ip netns add pbxlink-bench-$end; mkdir -p \(directory)/$end; done
      ip -netns pbxlink-bench-a link add probes type veth peer name probes netns pbxlink-bench-b
      ip -netns pbxlink-bench-a address add 10.99.0.1/24 dev probes
      ip -netns pbxlink-bench-b address add 10.99.0.2/24 dev probes
      export LD_LIBRARY_PATH=\(root)/usr/lib/x86_64-linux-gnu:\(root)/usr/lib/x86_64-linux-gnu/frr
      (cat /etc/group; echo frrvty:x:64999:root) >\(directory)/group
      for end in a b; do
        ip -netns pbxlink-bench-$end link set probes up
        there=10.99.0.1; [ $end = b ] || there=10.99.0.2
        printf 'bfd\\n peer %s interface probes\\n  receive-interval 100\\n  transmit-interval 100\\n  detect-multiplier 5\\n' \
      $there >\(directory)/$end/bfd.conf
        here=\(directory)/$end
        for daemon in zebra "bfdd --bfdctl $here/bfdd.sock -f $here/bfd.conf"; do
          ip netns exec pbxlink-bench-$end sh -c 'mount --bind \(directory)/group /etc/group; exec "$@"' - \
      \(root)/usr/lib/frr/$daemon -d --vty_socket $here -z $here/zserv.api -i $here/${daemon%% *}.pid -u root -g root \
      -P 0 </dev/null >/dev/null 2>&1
        done
      done
      cat \(directory)/b/bfdd.pid
      """
    let output = try await Command.run(["sh", "-ec", script])
    guard let process = pid_t(output.filter(\.isNumber)) else {
      throw Failure(description: "bfdd has no process")
    }
    return process
  }

  private static func stop() async throws {
    try await Command.run([
      "sh", "-c",
      "kill -KILL $(cat \(directory)/*/*.pid); for end in a b; do ip netns delete pbxlink-bench-$end; done; rm -r \(directory)",
    ])
  }
}
