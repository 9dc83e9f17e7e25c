// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import FoundationEssentials
import LinkLab

/// `pbxlink-lab call FROM NUMBER`
struct Call: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Place a call and show what both Asterisks recorded of it.")

  @OptionGroup var lab: LabOptions

  @Argument(help: "The office whose phone calls, or the phone's number.")
  var from: String

  @Argument(help: "The number to call.")
  var number: String

  @Flag(help: "Print the records as JSON.")
  var json = false

  func run() async throws {
    let up = try Lab.attach(lab.name)
    let office = try up.office(with: from) ?? up.office(named: from)
    let caller = "\(office.name)" == from ? nil : from
    let record = try await untilInterrupted { try await up.call(from: office, to: number, as: caller) }
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      print(String(decoding: try encoder.encode(record), as: UTF8.self))
    } else {
      print(record.summary)
    }
  }
}
