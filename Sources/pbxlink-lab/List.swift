// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import LinkLab

/// `pbxlink-lab list`
struct List: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "List the labs on this machine.")

  func run() throws {
    for (name, isHealthy) in try Lab.list() {
      guard isHealthy else {
        print("\(name)  crashed, or on its way up; remove it with 'pbxlink-lab down --name \(name)'")
        continue
      }
      let offices = try Lab.attach(name).offices.map { "\($0.name) (\($0.plan.network), \($0.plan.address))" }
      print("\(name)  up: \(offices.joined(separator: ", "))")
    }
  }
}
