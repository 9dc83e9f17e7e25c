// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials

/// A host of the lab: mount, network, host name and process namespaces held by one idle process, whose
/// end takes down every process, mount and interface inside.
struct Anchor: Codable, Hashable, Sendable {
  /// Host name inside.
  let name: String
  /// The first process inside, by its number outside.
  let process: ProcessIdentity

  var isAlive: Bool { process.isAlive }

  /// Makes the namespaces. The process outlives the caller, but not a failure or a cancellation here.
  static func start(name: String, log: String) async throws -> Anchor {
    let launcher = try await launch(log: log)
    do {
      let process = try await wait(
        for: "the namespaces of \(name) (see \(log))", upTo: .seconds(10), every: .milliseconds(5)
      ) {
        guard launcher.isAlive else {
          throw LabError.office(name: name, problem: "cannot make namespaces; are you root? See \(log)")
        }
        return child(of: launcher)
      }
      let anchor = Anchor(name: name, process: process)
      try await anchor.runAll([["hostname", name], ["ip", "link", "set", "lo", "up"]])
      return anchor
    } catch {
      try await Task { try await launcher.kill() }.value
      throw error
    }
  }

  /// Starts unshare(1) in a session of its own. Not in the caller's task: cancelled half-way, it would leave
  /// a process that nobody knows.
  private static func launch(log: String) async throws -> ProcessIdentity {
    let answer = try await Task {
      try await HostCommand.run([
        "sh", "-c", #"log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 & echo $!"#, "sh", log,
        "unshare", "--mount", "--uts", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
        "--propagation", "private",
        // The first process inside must reap orphans; dash does so while it waits for its own child.
        "sh", "-c", "while :; do sleep 86400; done", log,
      ]).checked().standardOutput
    }.value
    guard let launcher = Int32(answer.trimmedEnd).flatMap({ ProcessIdentity(pid: $0) }) else {
      throw LabError.notStarted(command: "unshare", reason: "it ended at once; are you root? See \(log)")
    }
    return launcher
  }

  /// Processes that hold namespaces of a lab which its journal does not know: a crash came between their start and its note, or
  /// a launcher was killed before the kernel knew that its child is to end with it.
  static func strays(of lab: LabDirectory) throws -> [ProcessIdentity] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { entry in
      guard let pid = Int32(entry), let process = ProcessIdentity(pid: pid),
        let line = try? String(contentsOfFile: "/proc/\(entry)/cmdline", encoding: .utf8)
      else { return nil }
      let words = line.split(separator: "\0")
      let isHolder =
        ["unshare", "sh"].contains(words.first) && words.last?.hasPrefix(lab.path + "/") == true
      return isHolder ? process : nil
    }
  }

  /// The first process inside, once it has stopped being unshare: /proc is mounted by then.
  private static func child(of launcher: ProcessIdentity) -> ProcessIdentity? {
    let (pid, read) = (launcher.pid, { (path: String) in try? String(contentsOfFile: path, encoding: .utf8) })
    guard let children = read("/proc/\(pid)/task/\(pid)/children"),
      let child = children.split(separator: " ").first.flatMap({ Int32($0) }),
      read("/proc/\(child)/comm")?.trimmedEnd == "sh"
    else { return nil }
    return ProcessIdentity(pid: child)
  }

  /// The command that runs `arguments` inside.
  func entering(_ arguments: [String]) -> [String] {
    ["nsenter", "--target", "\(process.pid)", "--mount", "--uts", "--net", "--pid", "--"] + arguments
  }

  func run(_ arguments: [String], input: String = "") async throws -> CommandResult {
    var result = try await HostCommand.run(entering(arguments), input: input)
    result.arguments = arguments
    return result
  }

  /// Runs commands one after another; the first failure ends it.
  func runAll(_ commands: [[String]]) async throws {
    for command in commands { try await run(command).checked() }
  }

  /// The path outside of a file inside.
  func outside(_ path: String) -> String { "/proc/\(process.pid)/root\(path)" }
}
