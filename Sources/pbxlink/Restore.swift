// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct Restore: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make this server the site that a backup was made of.",
    discussion: """
      The agent must not run. All of it is restored or nothing. A site file that is there stays. The server that
      the backup was made of must never run again: two servers with one identity disturb each other.

        pbxlink restore /mnt/usb/paris.pbxlink --show     what is in it, nothing changed
        pbxlink restore /mnt/usb/paris.pbxlink
        systemctl start pbxlink
      """)

  @Argument(help: "The file that 'pbxlink backup' wrote.", completion: .file()) var file: String
  @Flag(help: "Say what is in the file, and change nothing.") var show = false
  @Flag(help: "Put a state that is there aside, as DIRECTORY.before-TIME.") var force = false
  @OptionGroup var passphrase: PassphraseOptions
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let backup = try Backup(file: file, passphrase: try passphrase.existing())
    if show {
      return output.json
        ? try Console.print(json: backup.manifest) : Console.print(["\(file) holds:"] + backup.manifest.lines)
    }
    let restored = try backup.restore(siteFile: agent.config, force: force)
    guard !output.json else { return try Console.print(json: restored) }
    Console.print(
      [
        "This server is site '\(backup.manifest.site)' of mesh '\(backup.manifest.mesh)' as of \(backup.manifest.time)."
      ]
        + restored.messages + [
          "Now run: systemctl start pbxlink",
          "It signs nothing until a link is up and another site has told what came after the backup; then it goes on "
            + "by itself. 'pbxlink status' says so meanwhile. Invitations that were open must be made anew.",
        ])
  }
}
