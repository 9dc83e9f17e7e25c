// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import FoundationEssentials
import PBXLinkCore
import PBXLinkSystem

struct History: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the past of the link to a site: round trip, loss, jitter, MOS and outages by the hour.",
    discussion: """
      Minutes are kept for a day, hours and outages for 90 days. In the pictures each mark is an hour, and "x" one in
      which the link was down; MOS is that of the worst minute.

        pbxlink history lyon
        pbxlink history lyon --hours 168
        pbxlink history lyon --json | jq '.minutes[-5:]'
      """)

  @Argument(help: "The site.") var site: String
  @Option(help: "How many hours back, 1 to 2160.") var hours = 24
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...2160).contains(hours) else { throw ValidationError("--hours: 1 to 2160, which are 90 days.") }
  }

  func execute() async throws {
    // Only a name may become part of a path.
    guard let name = SiteName(site) else { throw AgentError.siteNameInvalid(site) }
    let history: LinkHistory = try await agent.client().get("/v1/history/\(name)")
    if output.json { return try Console.print(json: history) }
    Console.print(history.lines(hours: hours, at: Timestamp(seconds: Int64(Date().timeIntervalSince1970))))
  }
}
