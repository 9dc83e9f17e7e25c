// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct RotateKeys: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Renew this site's tunnel and trunk keys; calls go on.",
    discussion: """
      Old and new keys work side by side until every site that is up has the new ones; then the old ones are
      deleted. The agent does this by itself every 'keys: rotation_days'.

        pbxlink rotate-keys
        pbxlink rotate-keys --show
      """)

  @Flag(help: "Only tell how old the keys are and how far a rotation has come.") var show = false
  @Flag(
    help: "Go on although there are sites that could not follow; they find this one only through a third.")
  var leaveBehind = false
  @Option(help: "Seconds to wait for the end; the rotation goes on without the command.") var wait = 60
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let client = try agent.client()
    var state: Control.RotationAnswer =
      show
      ? try await client.get("/v1/rotation")
      : try await client.post("/v1/rotation", Control.RotateRequest(leaveBehind: leaveBehind))
    if !show {
      let end = ContinuousClock.now + .seconds(wait)
      while state.underWaySince != nil, ContinuousClock.now < end {
        try await Task.sleep(for: .milliseconds(200))
        state = try await client.get("/v1/rotation")
      }
    }
    if output.json { try Console.print(json: state) } else { Console.print(state.lines) }
    if !show, state.underWaySince != nil {
      throw Failure("The rotation is not at its end yet; it goes on.", .temporaryFailure)
    }
  }
}

extension Control.RotationAnswer {
  fileprivate var lines: [String] {
    let age = rotatedAt.map { "since \($0)" } ?? "since this site joined"
    let keys =
      "tunnel key \(tunnelKey) (generation \(tunnelGeneration)), trunk key of generation \(trunkGeneration)"
    guard let underWaySince else { return ["In use \(age): \(keys)."] }
    let sites = waitsFor.isEmpty ? "the change of the tunnel key" : waitsFor.joined(separator: ", ")
    return ["A rotation is under way since \(underWaySince) and waits for \(sites)."]
  }
}
