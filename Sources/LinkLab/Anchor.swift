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

  /// Makes the namespaces. The process outlives the caller.
  static func start(name: String, log: String) async throws -> Anchor {
    // A first process must reap orphans; dash does so while it waits for its own child.
    let launcher = try await HostCommand.run([
      "sh", "-c", #"log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 & echo $!"#, "sh", log,
      "unshare", "--mount", "--uts", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
      "--propagation", "private", "sh", "-c", "while :; do sleep 86400; done",
    ]).checked().standardOutput.trimmedEnd
    let process = try await wait(
      for: "the namespaces of \(name) (see \(log))", upTo: .seconds(10), every: .milliseconds(5)
    ) { () -> ProcessIdentity? in
      guard let pid = Int32(launcher), ProcessIdentity(pid: pid) != nil else {
        throw LabError.office(name: name, problem: "cannot make namespaces; are you root? See \(log)")
      }
      // The child is ready when it has stopped being unshare: /proc is mounted by then.
      guard let children = try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8),
        let child = children.split(separator: " ").first.flatMap({ Int32($0) }),
        let command = try? String(contentsOfFile: "/proc/\(child)/comm", encoding: .utf8),
        command.trimmedEnd == "sh"
      else { return nil }
      return ProcessIdentity(pid: child)
    }
    let anchor = Anchor(name: name, process: process)
    try await anchor.run(["hostname", name]).checked()
    try await anchor.run(["ip", "link", "set", "lo", "up"]).checked()
    return anchor
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
