// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check the links as a plugin of Nagios or Icinga.",
    discussion: """
        pbxlink check
        pbxlink check --peer lyon --warning rtt=0.2,loss=1 --critical mos=3.3:

      Asks the agent, and sends nothing to other sites. Exit status 0 is OK, 1 WARNING, 2 CRITICAL
      and 3 UNKNOWN. Whoever runs it must be in the group 'pbxlink'.

      rtt is in seconds, loss in percent in the worse direction, mos in the worse direction, all of the
      last minute. A range is [@][START:]END: 0.2 warns above 0.2, 3.3: below 3.3.
      """)

  @OptionGroup var agent: AgentOptions
  @Option(name: .shortAndLong, help: "Only the link to this site.") var peer: String?
  @Option(name: .shortAndLong, help: "Ranges such as rtt=0.3,loss=2,mos=3.6: (these are the defaults).")
  var warning: PluginThresholds?
  @Option(name: .shortAndLong, help: "Ranges such as rtt=0.8,loss=5,mos=3.1: (these are the defaults).")
  var critical: PluginThresholds?
  @Option(name: .shortAndLong, help: "Seconds after which it is UNKNOWN.") var timeout = 10

  func run() async throws {
    let (severity, lines) = await result()
    print(lines.joined(separator: "\n"))
    throw ArgumentParser.ExitCode(severity.rawValue)
  }

  private func result() async -> (PluginCheck.Severity, [String]) {
    do {
      let client = try agent.client()
      let status = try await withThrowingTaskGroup(of: StatusSnapshot.self) { group in
        group.addTask { try await client.get("/v1/status") }
        group.addTask {
          try await Task.sleep(for: .seconds(timeout))
          throw Failure("The agent has not answered in \(timeout) s.", .temporaryFailure)
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CancellationError() }
        return first
      }
      let check = PluginCheck(
        status, peer: peer, warnings: PluginCheck.warnings.merging(warning?.ranges ?? [:]) { $1 },
        criticals: PluginCheck.criticals.merging(critical?.ranges ?? [:]) { $1 })
      return (check.severity, check.lines)
    } catch {
      let failure = Failure(error)
      // An agent that is gone watches nothing.
      let severity: PluginCheck.Severity = failure.exitCode == .unavailable ? .critical : .unknown
      return (severity, ["PBXLINK \(severity.word) - \(failure.message)"])
    }
  }
}

/// Ranges by what they are of, such as `rtt=0.3,mos=3.6:`.
struct PluginThresholds: ExpressibleByArgument {
  let ranges: PluginCheck.Thresholds

  init?(argument: String) {
    var ranges: PluginCheck.Thresholds = [:]
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard pair.count == 2, let measure = PluginCheck.Measure(rawValue: pair[0]),
        let range = PluginRange(pair[1])
      else { return nil }
      ranges[measure] = range
    }
    self.ranges = ranges
  }
}
