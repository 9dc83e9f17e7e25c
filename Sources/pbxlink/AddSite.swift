// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct AddSite: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Invite a site: prints the one line that it joins with.",
    discussion: """
      The line lets whoever has it join under this name until it is used or expires: send it by a way that
      you trust. Inviting the same name again replaces an unused invitation.

        pbxlink add-site lyon --extensions 3XX
        pbxlink add-site nice --extensions 400-449 --expires 2h
        pbxlink add-site oslo --extensions 7XX --inviter 5XX 6XX     may admit sites with these itself
      """)

  @Argument(help: "The new site's name.") var name: String
  @Option(name: .long, parsing: .upToNextOption, help: "Extensions that the new site may announce.")
  var extensions: [String] = []
  @Option(help: "How long the invitation works: a number and s, m, h or d.") var expires = "24h"
  @Flag(help: "Let the new site relay calls between sites that cannot reach each other.") var relay = false
  @Option(
    parsing: .upToNextOption, help: "Let the new site admit others, within these extensions.")
  var inviter: [String] = []
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let answer: Control.InviteAnswer = try await agent.client().post(
      "/v1/sites",
      Control.InviteRequest(
        site: name, extensions: extensions, lifetime: try lifetime(), relay: relay,
        invite: inviter.isEmpty ? nil : inviter))
    guard !output.json else { return try Console.print(json: answer) }
    Console.print(answer.problems.map { "! \($0)" })
    Console.print([
      "Site '\(answer.site)' is invited until \(answer.expires). Its tunnel address will be \(answer.address).",
      "On its server, with the agent running, type:", "", answer.command.joined(separator: " "), "",
      "The line is a secret until it is used.",
    ])
  }

  /// Seconds, from a minute to 30 days.
  private func lifetime() throws -> Int64 {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    guard let unit = expires.last.flatMap({ units[$0] }), let count = Int64(expires.dropLast()),
      count > 0, count <= 30 * 86_400, (60...30 * 86_400).contains(count * unit)
    else { throw Failure("'--expires \(expires)': write a time from 60s to 30d, such as 2h.", .usage) }
    return count * unit
  }
}
