// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

struct Why: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show why the link to a site works or does not, layer by layer.",
    discussion: """
      From the signed documents down to the trunk: what is wanted, what is there, and the first layer where the two
      differ, with what to do. What is wrong behind that one is most often its consequence. The name of this site
      itself shows what all links share. Changes nothing; places a test call, which rings nowhere, where the link is
      up and carries no call. Exits with 1 unless all layers are as they should be.

        pbxlink why lyon
        pbxlink why lyon --json | jq '.layers[] | select(.state != "ok")'
      """)

  @Argument(help: "The site.") var site: String
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let diagnosis: LinkDiagnosis = try await agent.client().get("/v1/why/\(try name())")
    if output.json { try Console.print(json: diagnosis) } else { Console.print(diagnosis.lines()) }
    if diagnosis.first != nil { throw ArgumentParser.ExitCode(PBXLinkSystem.ExitCode.failure.rawValue) }
  }

  /// Only a name may become part of a path.
  private func name() throws -> SiteName {
    guard let name = SiteName(site) else { throw AgentError.siteNameInvalid(site) }
    return name
  }
}
