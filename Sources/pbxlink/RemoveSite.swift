// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct RemoveSite: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Revoke a site: its tunnel, firewall entry, trunk and calls go on every site that hears of it.",
    discussion: """
      The site's key is out for good; to take the site back, add it again and join with new keys.

        pbxlink remove-site lyon --reason "server stolen"
      """)

  @Argument(help: "The site's name.") var name: String
  @Option(help: "Why, for the record that all sites keep.") var reason = "removed by the administrator"
  @Flag(help: "Do not ask.") var yes = false
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    guard yes || Console.confirm("This revokes '\(name)' for good and ends its calls.") else {
      throw Failure("Nothing was changed.", .usage)
    }
    let answer: Control.DoneAnswer = try await agent.client().post(
      "/v1/remove", Control.RemoveRequest(site: name, reason: reason))
    if output.json { try Console.print(json: answer) } else { Console.print(answer.messages) }
  }
}
