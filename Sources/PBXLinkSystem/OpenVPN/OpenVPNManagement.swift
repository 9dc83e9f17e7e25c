// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import NIOPosix
internal import PBXLinkCore

/// What we say to openvpn processes, and they to us.
enum OpenVPNManagement {
  /// How long a process may take to answer.
  static let patience = Duration.seconds(2)

  /// What the process says of itself. `process` is whom we expect at the other end.
  static func observe(_ path: String, of process: Int32) async -> ObservedOpenVPN.Management {
    do {
      return try await blocking { () throws(OpenVPNError) in
        guard var connection = try ManagementConnection(path: path, limit: patience) else {
          throw .management(path: path, reason: "nobody listens")
        }
        let answer = try connection.ask("pid")
        guard answer == "pid=\(process)" else { throw connection.nonsense(String(answer)) }
        if connection.notifications.contains(where: { $0.hasPrefix(">HOLD:") }) { return .held }
        return .status(try status(&connection))
      }
    } catch {
      return .unknown(reason: "\(error)")
    }
  }

  /// Tells a process that waits to begin, and returns once it is on its way; throws with its own words when it
  /// ends instead, such as when it does not get its port.
  static func release(_ path: String, interface: String) async throws {
    try await blocking { () throws(OpenVPNError) in
      // The process has gone into the background but may not have opened its socket yet.
      let deadline = ContinuousClock.now + patience
      while ContinuousClock.now < deadline {
        guard var connection = try ManagementConnection(path: path, limit: patience) else {
          usleep(5000)
          continue
        }
        return try begin(&connection, interface)
      }
      throw .start(
        interface: interface,
        reason: "it opened no management socket; its words are in the log ('journalctl -t \(interface)')")
    }
  }

  private static func begin(
    _ connection: inout ManagementConnection, _ interface: String
  ) throws(OpenVPNError) {
    var last = "it ended without a word"
    do throws(OpenVPNError) {
      for command in ["log on", "state on", "hold off", "hold release"] { _ = try connection.ask(command) }
      while true {
        let line = try connection.line()
        if line.hasPrefix(">FATAL:") {
          throw OpenVPNError.start(interface: interface, reason: String(line.dropFirst(">FATAL:".count)))
        }
        if line.hasPrefix(">STATE:") || line.contains("Listening for incoming TCP connection") { return }
        if let entry = LogEntry(line.dropFirst(">LOG:".count)), entry.isProblem { last = entry.message }
      }
    } catch OpenVPNError.management {
      // Without a word for so long it is slow, and the next look will tell.
      if connection.isClosed { throw .start(interface: interface, reason: last) }
    }
  }

  private static func status(
    _ connection: inout ManagementConnection
  ) throws(OpenVPNError) -> ObservedOpenVPN.Status {
    // "1795447213,CONNECTED,SUCCESS,,…"; no line while the first peer is still waited for.
    let states = try connection.list("state")
    var status = ObservedOpenVPN.Status(state: "CONNECTING", since: nil)
    if let line = states.last {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      guard fields.count >= 2, let time = Int64(fields[0]),
        (1...32).contains(fields[1].utf8.count),
        fields[1].utf8.allSatisfy({ (0x41...0x5a).contains($0) || $0 == 0x5f })
      else { throw connection.nonsense(line) }
      status = ObservedOpenVPN.Status(state: String(fields[1]), since: Timestamp(seconds: time))
    }
    // "nclients=0,bytesin=1536,bytesout=1535"
    let counters = String(try connection.ask("load-stats"))
    let values = counters.split(separator: ",").compactMap { field in
      field.split(separator: "=").last.flatMap { UInt64($0) }
    }
    guard values.count == 3 else { throw connection.nonsense(counters) }
    (status.receivedBytes, status.sentBytes) = (values[1], values[2])
    if !status.isConnected {
      status.problem = problem(in: try connection.list("log all").compactMap { LogEntry($0[...]) })
    }
    return status
  }

  /// The first complaint of the last attempt that had one: those after it are consequences.
  static func problem(in log: [LogEntry]) -> String? {
    log.split { $0.message.hasSuffix("process restarting") }
      .last { $0.contains(where: \.isProblem) }?
      .first(where: \.isProblem)?.message
  }

  /// A line of openvpn's log: time, flags, message.
  struct LogEntry {
    let message: String
    let isProblem: Bool

    init?(_ line: Substring) {
      let fields = line.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3, Int64(fields[0]) != nil else { return nil }
      message = String(fields[2].prefix(400).filter { $0.isASCII && $0 >= " " && $0 != "\u{7f}" })
      // Non-fatal, fatal. That it keeps no capabilities is as it should be.
      isProblem = fields[1].contains { "NF".contains($0) } && !fields[2].contains("capabilit")
    }
  }

  private static let threads = NIOThreadPool.blocking(threads: 2)

  private static func blocking<Result: Sendable>(
    _ body: @escaping @Sendable () throws(OpenVPNError) -> Result
  ) async throws -> Result {
    try await threads.runIfActive { try body() }
  }
}
