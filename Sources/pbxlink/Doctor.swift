// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

struct Doctor: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check Asterisk, kernel, firewall, clock, ports and files; change nothing.",
    discussion: """
      Each finding comes with its remedy. It works without an agent and without Asterisk; run it as root, or it
      says what it could not look at. Exits with 1 when there is an error; warnings do not count.

        pbxlink doctor
        pbxlink doctor --json | jq '.findings[] | select(.severity == "error")'
      """)

  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let examination = await HostExamination(siteFile: agent.config).run()
    if output.json { try Console.print(json: examination) } else { Console.print(examination.lines()) }
    if examination.hasErrors { throw ArgumentParser.ExitCode(PBXLinkSystem.ExitCode.failure.rawValue) }
  }
}
