// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore

extension Office {
  /// Starts the agent, unless it runs already, and waits until it answers. Its output goes to the log
  /// `<office>-agent`.
  /// - Parameter clock: the seconds by which its wall clock is ahead of the host's, and the library that does it.
  public func startAgent(clock: (shift: Int64, library: String)? = nil) async throws {
    guard agentPID == nil else { return }
    let shifting = clock.map { ["PBXLINK_LAB_CLOCK_SHIFT=\($0.shift)", "LD_PRELOAD=\($0.library)"] } ?? []
    try await spawn(["env"] + shifting + ["pbxlink", "agent"], name: "agent")
    try await wait(for: "the agent in \(name) to answer", upTo: .seconds(20)) {
      // EX_UNAVAILABLE of sysexits.h; any other answer comes from the agent.
      try await run(["pbxlink", "status"]).status == 69 ? nil : ()
    }
  }

  /// The agent's process number inside the office; nil when it is not running.
  public var agentPID: Int32? { pid(of: "agent").flatMap { isRunning(pid: $0) ? $0 : nil } }

  /// Sends the agent a signal by name, such as `KILL`, `TERM` or `HUP`.
  /// - Throws: ``LabError/office(name:problem:)`` when no agent runs.
  public func signalAgent(_ signal: String) async throws {
    guard let pid = agentPID else {
      throw LabError.office(name: name.description, problem: "no agent is running; see \(log("agent"))")
    }
    try await anchor.run(["kill", "-s", signal, "\(pid)"]).checked()
  }

  /// Ends the agent with a signal and waits until it is gone.
  public func stopAgent(_ signal: String = "TERM") async throws {
    try await signalAgent(signal)
    try await wait(for: "the agent in \(name) to end", upTo: .seconds(20)) {
      agentPID == nil ? () : nil
    }
  }
}
