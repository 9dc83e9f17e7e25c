// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

struct Status: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show this site, its links and what is not well.",
    discussion: """
        pbxlink status
        pbxlink status --json | jq '.peers[] | {name, state}'

      RTT, LOSS (from here / to here), JITTER and MOS (of the worse direction) are those of
      the last minute on the path in use.
      """)

  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let status: StatusSnapshot = try await agent.client().get("/v1/status")
    if output.json { try Console.print(json: status) } else { Console.print(status.table()) }
  }
}
