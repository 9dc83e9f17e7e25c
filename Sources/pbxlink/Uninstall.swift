// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct Uninstall: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove links, trunks, firewall table, keys, state and site file; leave the host as it was.",
    discussion:
      "There is no way back: the keys are gone. Revoke the site elsewhere with 'pbxlink remove-site'.")

  @Flag(help: "Do not ask.") var yes = false
  @Flag(help: "Remove the mesh's authority key too although no copy of it was exported.")
  var abandonAuthority = false
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    guard yes || Console.confirm("This removes all links, keys and state of this site for good.") else {
      throw Failure("Nothing was changed.", .usage)
    }
    let client = try agent.client()
    let answer: Control.DoneAnswer = try await client.post(
      "/v1/uninstall", Control.UninstallRequest(abandonAuthority: abandonAuthority))
    try await client.waitForEnd()
    try SiteFile.remove(agent.config)
    if output.json {
      try Console.print(json: answer)
    } else {
      Console.print(answer.messages + ["site file removed"])
    }
  }
}
