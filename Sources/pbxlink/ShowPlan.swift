// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

struct ShowPlan: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Show what 'apply' would change and what it would cost a call; change nothing.",
    discussion: "  pbxlink plan\n  pbxlink plan --json")

  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let plan: Plan = try await agent.client().get("/v1/plan")
    if output.json { try Console.print(json: plan) } else { Console.print(plan.lines()) }
  }
}
