// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

struct Status: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show this site, its links and what is not well.",
    discussion: "  pbxlink status\n  pbxlink status --json | jq '.peers[] | {name, state}'")

  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let status: StatusSnapshot = try await agent.client().get("/v1/status")
    if output.json { try Console.print(json: status) } else { Console.print(status.table()) }
  }
}
