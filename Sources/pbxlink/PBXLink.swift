// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore

@main
struct PBXLink: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pbxlink",
    abstract: "Links Asterisk PBXs of several offices over encrypted tunnels.",
    discussion: """
      On the first server:   pbxlink init --mesh acme --site paris --extensions 2XX
                             pbxlink add-site lyon --extensions 3XX
      On the second server:  pbxlink join INVITATION     (the line that add-site printed)
      Then on either:        pbxlink status

      The agent must run on each server: systemctl start pbxlink.
      Exit codes follow sysexits.h; 0 is success.
      """,
    version: Version.current,
    subcommands: [
      Init.self, AddSite.self, Join.self, Sites.self, Status.self, CheckCommand.self, Why.self, History.self,
      Events.self, Calls.self,
      ShowPlan.self, Apply.self, Down.self, RemoveSite.self, GrantCommand.self, RotateKeys.self,
      DescriptorCommand.self, BackupCommand.self, Restore.self, AuthorityCommand.self, Doctor.self,
      Uninstall.self, AgentCommand.self, SharedPort.self,
    ])
}
