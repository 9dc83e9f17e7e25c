// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import FoundationEssentials
import LinkLab

/// `pbxlink-lab demo`
struct Demo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "From nothing to answered calls between offices, with the commands that an admin types.")

  @OptionGroup var lab: LabFileOptions

  @Flag(help: "Leave the lab running.")
  var keep = false

  @Option(help: "Write the figures to this file as JSON.")
  var report: String?

  func run() async throws {
    let file = try LabFile(path: lab.file)
    let binaries = try binaries
    let demonstration = Demonstration(console: Console())
    let outcome: Result<Void, any Error>
    do {
      outcome = .success(
        try await untilInterrupted {
          try await demonstration.run(file, name: lab.name, binaries: binaries)
        })
    } catch {
      outcome = .failure(error)
    }
    if let report {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      encoder.keyEncodingStrategy = .convertToSnakeCase
      try encoder.encode(demonstration.report).write(to: URL(filePath: report), options: .atomic)
    }
    let name = lab.name ?? "\(file.name)"
    if keep, let office = try? Lab.attach(name).offices.first {
      demonstration.console.note(
        """
        Look around: pbxlink-lab exec --name \(name) \(office.name) -- pbxlink status
                     pbxlink-lab exec --name \(name) \(office.name) -- asterisk -rvvv
                     pbxlink-lab call --name \(name) \(office.name) NUMBER
        Take down:   pbxlink-lab down --name \(name)
        """)
    } else {
      try await demonstration.step("clean up") { _ in try await Lab.down(name) }
    }
    try outcome.get()
  }
}
