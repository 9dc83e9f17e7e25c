// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

struct Apply: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Bring tunnel, firewall and trunks to the desired state now.",
    discussion: """
      The agent does this by itself; 'apply' reads the site file again, does it at once and says what it changed.
      After 'pbxlink down' it brings the links back. After 'pbxlink restore' with no other site left to ask,
      --accept-serials has this site sign again; sites that come back later may then report a fork.
      """)

  @Flag(help: "Believe the clock although a later time was seen before.") var acceptClock = false
  @Flag(help: "Sign again after a restore although no other site could be asked.") var acceptSerials = false
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let plan: Plan = try await agent.client().post(
      "/v1/apply", Control.ApplyRequest(acceptClock: acceptClock, acceptSerials: acceptSerials))
    if output.json { try Console.print(json: plan) } else { Console.print(plan.lines()) }
    if !plan.unknown.isEmpty { throw ArgumentParser.ExitCode(PBXLinkSystem.ExitCode.osError.rawValue) }
  }
}
