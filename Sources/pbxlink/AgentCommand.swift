// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import Glibc
import Logging
import PBXLinkSystem

struct AgentCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "agent",
    abstract: "Run the agent; systemd does this.",
    discussion: "SIGTERM ends it and leaves the links up. SIGHUP reads the site file again.")

  @OptionGroup var agent: AgentOptions
  @Option(help: "trace, debug, info, notice, warning, error or critical.") var logLevel = "info"

  func execute() async throws {
    guard let level = Logger.Level(rawValue: logLevel) else {
      throw Failure(
        "'--log-level \(logLevel)': use trace, debug, info, notice, warning, error or critical.", .usage)
    }
    LoggingSystem.bootstrap { _ in JournalLogHandler(isUnderSystemd: getenv("JOURNAL_STREAM") != nil) }
    var logger = Logger(label: "pbxlink")
    logger.logLevel = level
    try await AgentService(siteFile: agent.config, logger: logger).run()
  }
}
