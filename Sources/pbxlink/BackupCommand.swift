// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct BackupCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Write state, keys and site file into one file that a pass phrase opens.",
    discussion: """
      The agent may run. Whoever has the file and the pass phrase is this site, and rules the mesh if the
      authority key is in it: keep the file off this server, and the pass phrase apart from it.

        pbxlink backup /mnt/usb/paris.pbxlink
        pbxlink backup /srv/backup/paris.pbxlink --force --passphrase-file /root/passphrase
      """)

  @Argument(help: "The file to write.", completion: .file()) var file: String
  @Flag(help: "Replace the file if there is one.") var force = false
  @OptionGroup var passphrase: PassphraseOptions
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let backup = try Backup(siteFile: agent.config)
    try backup.write(to: file, replacing: force, passphrase: passphrase.new)
    guard !output.json else { return try Console.print(json: backup.manifest) }
    Console.print(["\(file) is written, and holds:"] + backup.manifest.lines)
  }
}

extension Backup.Manifest {
  /// For people.
  var lines: [String] {
    [
      "  site '\(site)' of mesh '\(mesh)' as of \(time), by version \(version)",
      "  \(documents) documents; serials: descriptor \(descriptorSerial), membership \(membershipSerial), "
        + "revocations \(revocationsSerial)",
      "  keys: \(keys.joined(separator: ", "))",
      "  site file: \(hasSiteFile ? "yes" : "none")",
    ] + (holdsAuthority ? ["! the authority key is in it: who opens the file rules the mesh"] : [])
  }
}
