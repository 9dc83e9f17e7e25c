// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct Down: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take all links of this site down until 'pbxlink apply'.",
    discussion: "Ends calls to other sites, removes trunks, firewall and tunnel. Keys and documents stay.")

  @Flag(help: "Do not ask.") var yes = false
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    guard yes || Console.confirm("This ends all calls to other sites and takes the links down.") else {
      throw Failure("Nothing was changed.", .usage)
    }
    let answer: Control.DoneAnswer = try await agent.client().post("/v1/down")
    if output.json { try Console.print(json: answer) } else { Console.print(answer.messages) }
  }
}
