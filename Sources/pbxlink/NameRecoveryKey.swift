// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct NameRecoveryKey: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "recovery-key",
    abstract: "Make a recovery key for a mesh that has none, or for one that is lost.",
    discussion: """
      To be run where the authority is held. The key is shown once and kept nowhere. A key that somebody else
      has seen still works beside the new one: to end it, run 'pbxlink authority recover' with it here.

        pbxlink authority recovery-key
        pbxlink authority recovery-key --recovery-file /media/usb/acme.recovery
      """)

  @OptionGroup var recovery: RecoveryFileOptions
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    try recovery.check()
    let answer: Control.RecoveryKeyAnswer = try await agent.client().post("/v1/authority/recovery-key")
    if output.json { try Console.print(json: answer) }
    try recovery.hand(out: answer.recoveryKey, isPrinted: output.json)
  }
}
