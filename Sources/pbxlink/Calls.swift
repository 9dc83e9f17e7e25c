// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

struct Calls: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the calls with the other sites: now, and how many and how long by the day.",
    discussion: """
      OUT are the calls that were placed here, IN those that were placed there; AUTH are calls that the other site has
      refused, since it did not know us. The last 1,000 calls of each site are kept, and how many there were for 90 days.

        pbxlink calls
        pbxlink calls --site lyon --days 30
        pbxlink calls --log --limit 100
        pbxlink calls --json | jq '[.days[].out.seconds] | add / 60'
      """)

  @Option(help: "Only those with this site.") var site: String?
  @Option(help: "The last so many days, 1 to 90.") var days = 7
  @Flag(help: "Each call, instead of the days.") var log = false
  @Option(help: "The last so many calls, for --log and --json.") var limit = 50
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    let ranges = CallQuery.ranges
    guard ranges.days.contains(days) else { throw ValidationError("--days: 1 to \(ranges.days.upperBound).") }
    guard ranges.limit.contains(limit) else {
      throw ValidationError("--limit: 0 to \(ranges.limit.upperBound).")
    }
  }

  func execute() async throws {
    var query = "days=\(days)&limit=\(limit)"
    if let site {
      guard let name = SiteName(site) else { throw AgentError.siteNameInvalid(site) }
      query += "&site=\(name)"
    }
    let report: CallReport = try await agent.client().get("/v1/calls?\(query)")
    if output.json { return try Console.print(json: report) }
    Console.print(report.lines(log: log))
  }
}
