// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import LinkLab

/// `pbxlink-lab down`
struct Down: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take a lab down and remove every trace of it, also after a crash.")

  @OptionGroup var lab: LabOptions

  func run() async throws {
    if try await !Lab.down(lab.name) { print("lab \(lab.name) is not up") }
  }
}
