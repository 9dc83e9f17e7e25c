// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct Join: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Join a mesh with an invitation.",
    discussion: """
      The invitation is the line that 'pbxlink add-site' printed on the other server. It works once, for one
      server. '-' reads it from standard input, so that it stays out of the shell's history.

        pbxlink join pbxlink1.eyJhbGciOi... --local-context from-did-direct --phone-context from-internal-custom
        pbxlink join - < invitation.txt
      """)

  @Argument(help: "The invitation, or - for standard input.") var invitation: String
  @OptionGroup var siteFile: SiteFileOptions
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let line = invitation == "-" ? readLine() ?? "" : invitation
    let answer: Control.MemberAnswer = try await siteFile.whileWritten(for: agent) {
      try await agent.client().post("/v1/join", Control.JoinRequest(invitation: line))
    }
    guard !output.json else { return try Console.print(json: answer) }
    Console.print(answer.problems.map { "! \($0)" })
    Console.print([
      "This is now site '\(answer.site)' of mesh '\(answer.mesh)' at \(answer.addresses.first ?? "?"), extensions "
        + (answer.extensions.isEmpty ? "none" : answer.extensions.joined(separator: " ")) + ".",
      "See the links with: pbxlink status",
    ])
  }
}
