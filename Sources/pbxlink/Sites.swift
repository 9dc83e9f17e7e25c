// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

struct Sites: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the sites of the mesh, invited and revoked ones too.",
    discussion: "  pbxlink sites\n  pbxlink sites --json")

  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let answer: Control.SitesAnswer = try await agent.client().get("/v1/sites")
    guard !output.json else { return try Console.print(json: answer) }
    let table = TextTable(
      ["SITE", "STANDING", "ADDRESS", "EXTENSIONS", "ROLES", "ADMITTED BY", "UNTIL"],
      rows: answer.sites.map { site in
        [
          site.name, site.standing, site.addresses.first ?? "-",
          site.extensions.isEmpty ? "-" : site.extensions.joined(separator: " "),
          site.roles.isEmpty ? "-" : site.roles.map { site.described(role: $0) }.joined(separator: " "),
          site.identity.isEmpty || site.standing == "revoked" ? "-" : site.admittedBy ?? "authority",
          String(site.notAfter?.prefix(10) ?? "-"),
        ]
      })
    Console.print(table.lines + answer.sites.compactMap { site in site.remark.map { "\(site.name): \($0)" } })
  }
}

extension Control.SiteEntry {
  /// A role, with what belongs to it: `inviter(5XX,6XX)`.
  fileprivate func described(role: String) -> String {
    guard role == Role.inviter.rawValue, let mayAdmit else { return role }
    return "\(role)(\(mayAdmit.joined(separator: ",")))"
  }
}
