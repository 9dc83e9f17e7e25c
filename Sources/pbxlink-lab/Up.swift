// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import LinkLab

/// `pbxlink-lab up`
struct Up: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Bring a lab up and leave it running.")

  @OptionGroup var lab: LabFileOptions

  @Flag(inversion: .prefixedNo, help: "Start the agent in each office.")
  var agents = true

  @Flag(help: "Take a lab of the same name down first.")
  var replace = false

  func run() async throws {
    let file = try LabFile(path: lab.file)
    let options = Lab.Options(
      binaries: agents ? try binaries : nil, startsAgents: agents, replaces: replace)
    let console = Console()
    let up = try await untilInterrupted {
      try await console.step("bring up \(file.offices.count) offices") { progress in
        try await Lab.up(file, name: lab.name, options: options, progress: progress)
      }
    }
    console.note("Look around: pbxlink-lab exec --name \(up.name) \(file.offices[0].name) -- bash")
    console.note("Take down:   pbxlink-lab down --name \(up.name)")
  }
}
