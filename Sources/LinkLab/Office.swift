// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
public import PBXLinkCore

/// One office of a lab that is up: a host with its own network, `/etc`, `/var` and `/run`.
public struct Office: Sendable {
  /// What the lab file says about it.
  public let plan: LabFile.Office
  let anchor: Anchor
  let directory: LabDirectory

  /// Its name, which is also the site's.
  public var name: SiteName { plan.name }

  /// Runs a command as root in the office, as its admin would type it.
  /// - Parameters:
  ///   - timeout: after this the command is killed.
  ///   - input: its standard input.
  /// - Returns: however it ended; see ``CommandResult/checked()``.
  /// - Throws: ``LabError/timeout(waitingFor:after:)`` when it took too long.
  public func run(
    _ arguments: [String], timeout: Duration = .seconds(60), input: String = ""
  ) async throws -> CommandResult {
    // timeout(1) runs inside, where it reaches the command itself. Its statuses 124 and 137 may also be the
    // command's own, so the clock decides.
    let start = ContinuousClock.now
    let limit = ["timeout", "--kill-after=2", "\(timeout.inSeconds)"]
    var result = try await anchor.run(environment + limit + arguments, input: input)
    result.arguments = arguments
    if [124, 137].contains(result.status), ContinuousClock.now - start >= timeout {
      throw LabError.timeout(
        waitingFor: "'\(arguments.joined(separator: " "))' in \(name)", after: timeout)
    }
    return result
  }

  /// Starts a command that goes on after this call returns; its output goes to the lab's log
  /// `<office>-<name>`.
  /// - Returns: its process number inside the office.
  @discardableResult
  public func spawn(_ arguments: [String], name: String) async throws -> Int32 {
    let pidFile = "/run/office/\(name).pid"
    try await anchor.run(["rm", "-f", pidFile]).checked()
    let inside = ["sh", "-c", #"echo $$ >"$1.new"; mv "$1.new" "$1"; shift; exec "$@""#, "sh", pidFile]
    let detached = #"log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 &"#
    try await HostCommand.run(
      ["sh", "-c", detached, "sh", log(name)] + anchor.entering(environment + inside + arguments)
    ).checked()
    let what = "\(name) to start in \(self.name) (see \(log(name)))"
    return try await wait(for: what, upTo: .seconds(10), every: .milliseconds(5)) { pid(of: name) }
  }

  /// The process number, inside the office, of what ``spawn(_:name:)`` started; it may have ended since.
  func pid(of name: String) -> Int32? {
    (try? read("/run/office/\(name).pid")).flatMap { Int32($0.trimmedEnd) }
  }

  /// Whether a process is there and has not ended. Numbers are the office's own.
  public func isRunning(pid: Int32) -> Bool {
    ProcessIdentity(pid: pid, proc: anchor.outside("/proc")) != nil
  }

  /// The text of a file in the office.
  public func read(_ path: String) throws -> String {
    try String(contentsOfFile: anchor.outside(path), encoding: .utf8)
  }

  /// Where the output of what ``spawn(_:name:)`` started goes, such as `agent` or `asterisk`.
  public func log(_ name: String) -> String { directory.log("\(self.name)-\(name)") }

  /// The command to run outside that runs `arguments` inside, for a terminal.
  public func entering(_ arguments: [String]) -> [String] { anchor.entering(environment + arguments) }

  private var environment: [String] {
    [
      "env", "--chdir=/root", "HOME=/root",
      "PATH=/run/office/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]
  }
}
