// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct RemoveSite: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Revoke a site: its tunnel, firewall entry, trunk and calls go on every site that hears of it.",
    discussion: """
      The site's key is out for good; to take the site back, add it again and join with new keys. The command tells
      which sites have cut it off; one that is out of reach does so when it comes back, and 'pbxlink sites' and
      'pbxlink status' name it until then.

      Sites that it has admitted in the authority's place stay members, unless they are to go with it.

        pbxlink remove-site lyon --reason "server stolen"
        pbxlink remove-site lyon --with-admitted
      """)

  @Argument(help: "The site's name.") var name: String
  @Option(help: "Why, for the record that all sites keep.") var reason = "removed by the administrator"
  @Flag(help: "Remove the sites that it has admitted too.") var withAdmitted = false
  @Flag(help: "Do not ask.") var yes = false
  @Option(help: "Seconds to wait for the other sites; they are told without the command, too.") var wait = 10
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    guard yes || Console.confirm("This revokes '\(name)' for good and ends its calls.") else {
      throw Failure("Nothing was changed.", .usage)
    }
    let client = try agent.client()
    let done: Control.DoneAnswer = try await client.post(
      "/v1/remove", Control.RemoveRequest(site: name, reason: reason, withAdmitted: withAdmitted))
    if !output.json { Console.print(done.messages) }
    let start = ContinuousClock.now
    var known: Set<String> = []
    while let entry = try await entry(client) {
      if !output.json {
        Console.print(entry.applied.filter { !known.contains($0) }.map { "'\($0)' has cut it off." })
      }
      known.formUnion(entry.applied)
      guard !entry.waiting.isEmpty, ContinuousClock.now - start < .seconds(wait) else {
        return try output.json ? Console.print(json: entry) : Console.print(entry.remainder)
      }
      try await Task.sleep(for: .milliseconds(200))
    }
    // An invitation that was withdrawn: nobody else knew of it.
    if output.json { try Console.print(json: done) }
  }

  /// Who has applied the newest revocation of the name.
  private func entry(_ client: ControlClient) async throws -> Control.RevocationEntry? {
    let answer: Control.RevocationsAnswer = try await client.get("/v1/revocations")
    return answer.revocations.first { $0.site == name }
  }
}

extension Control.RevocationEntry {
  /// Who has not answered yet.
  fileprivate var remainder: [String] {
    [
      (waiting, "has not answered yet"), (unreachable, "is out of reach and cuts it off when it comes back"),
    ].flatMap { sites, what in sites.map { "'\($0)' \(what): see 'pbxlink sites'." } }
  }
}
