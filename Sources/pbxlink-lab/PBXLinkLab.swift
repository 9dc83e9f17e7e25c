// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import FoundationEssentials

/// `pbxlink-lab`
@main struct PBXLinkLab: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pbxlink-lab",
    abstract: "Several offices with a real Asterisk each, on this machine.",
    discussion: """
      Needs root. Everything that a lab makes lives in namespaces of its own: the host's network, files and
      services are not touched, and labs with different names run side by side.
      """,
    subcommands: [Up.self, Down.self, List.self, Exec.self, Call.self, SetLine.self, Demo.self, Carry.self])
}

/// Which lab file.
struct LabFileOptions: ParsableArguments {
  @Option(help: "The lab file.")
  var file = "sites/three-offices/lab.yaml"

  @Option(help: "The lab's name; the file's by default.")
  var name: String?
}

/// Which lab that is up.
struct LabOptions: ParsableArguments {
  @Option(name: .customLong("name"), help: "The lab's name.")
  var name = "three-offices"
}

/// The folder of this program, where `pbxlink` lies too.
var binaries: String {
  get throws {
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return program.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
  }
}
