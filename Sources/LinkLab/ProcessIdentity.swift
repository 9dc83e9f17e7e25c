// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import Glibc

/// A process of this host, told apart from a later one with the same number by its start time.
struct ProcessIdentity: Codable, Hashable, Sendable {
  let pid: Int32
  /// Clock ticks between boot and the start of the process (proc(5), field 22 of stat).
  let startTime: UInt64

  /// The process that has this number now; nil when there is none, or when it has ended (a zombie).
  /// - Parameter proc: where the /proc of its PID namespace is.
  init?(pid: Int32, proc: String = "/proc") {
    // The command name, field 2, may hold spaces and parentheses: count from its closing one.
    guard let stat = try? String(contentsOfFile: "\(proc)/\(pid)/stat", encoding: .utf8),
      let name = stat.lastIndex(of: ")")
    else { return nil }
    let fields = stat[name...].split(separator: " ").dropFirst()
    guard fields.count > 19, let state = fields.first, state != "Z", state != "X",
      let start = UInt64(fields[fields.startIndex + 19])
    else { return nil }
    self.pid = pid
    startTime = start
  }

  var isAlive: Bool { Self(pid: pid) == self }

  /// Kills the process, and nothing else should its number have a new owner. kill -KILL PID
  func kill() async throws {
    guard isAlive else { return }
    Glibc.kill(pid, SIGKILL)
    try await wait(for: "process \(pid) to end", upTo: .seconds(10), every: .milliseconds(10)) {
      isAlive ? nil : ()
    }
  }
}
