// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct GrantCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "grant",
    abstract: "Change what a site was granted: extensions, relaying, admitting others.",
    discussion: """
      What is not named stays as it is. A site with --invite can run 'pbxlink add-site' itself, for extensions
      within those named and without roles.

        pbxlink grant lyon --extensions 3XX 35XX
        pbxlink grant lyon --invite 5XX 6XX
        pbxlink grant lyon --no-invite --relay
      """)

  @Argument(help: "The site's name.") var name: String
  @Option(parsing: .upToNextOption, help: "All extensions that it may announce.") var extensions: [String] =
    []
  @Flag(help: "It may announce no extensions.") var noExtensions = false
  @Option(parsing: .upToNextOption, help: "The extensions within which it may admit sites.")
  var invite: [String] = []
  @Flag(help: "It may admit no more sites; those that it has admitted stay.") var noInvite = false
  @Flag(inversion: .prefixedNo, help: "Relay calls between sites that cannot reach each other.")
  var relay: Bool?
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard !(noExtensions && !extensions.isEmpty), !(noInvite && !invite.isEmpty) else {
      throw ValidationError("An option and its opposite exclude each other.")
    }
    guard noExtensions || noInvite || !extensions.isEmpty || !invite.isEmpty || relay != nil else {
      throw ValidationError("Name what is to change.")
    }
  }

  func execute() async throws {
    let answer: Control.DoneAnswer = try await agent.client().post(
      "/v1/grant",
      Control.GrantRequest(
        site: name, extensions: noExtensions || !extensions.isEmpty ? extensions : nil, relay: relay,
        invite: noInvite || !invite.isEmpty ? invite : nil))
    if output.json { try Console.print(json: answer) } else { Console.print(answer.messages) }
  }
}
