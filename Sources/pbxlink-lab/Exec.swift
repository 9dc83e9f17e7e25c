// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import Glibc
import LinkLab

/// `pbxlink-lab exec SITE -- COMMAND`
struct Exec: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a command in an office, as its admin would.",
    usage: "pbxlink-lab exec [--name <name>] <site> -- <command> ...")

  @OptionGroup var lab: LabOptions

  @Argument(help: "The office.")
  var site: String

  @Argument(parsing: .postTerminator, help: "The command and its arguments; a shell by default.")
  var command: [String] = []

  func run() throws {
    let office = try Lab.attach(lab.name).office(named: site)
    let arguments = office.entering(command.isEmpty ? ["bash"] : command)
    // This process becomes the command, so that terminal, signals and exit status are the command's own.
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    pointers.append(nil)
    execvp(arguments[0], pointers)
    throw LabError.notStarted(
      command: arguments.joined(separator: " "), reason: String(cString: strerror(errno)))
  }
}
