// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct RecoverAuthority: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover",
    abstract: "Put a new authority, held here, in the place of one that is lost or stolen.",
    discussion: """
      To be run on any site of the mesh, with the recovery key that 'pbxlink init' showed. All members and
      revocations are signed anew, links stay up, and what the former authority signs counts no more. The key
      that was used is spent; a new one is shown once.

        pbxlink authority recover
        pbxlink authority recover --recovery-key-file /media/usb/acme.recovery
      """)

  @Option(
    help: "A file with the recovery key, or - for standard input; asked for by default.", completion: .file())
  var recoveryKeyFile: String?
  @OptionGroup var recovery: RecoveryFileOptions
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    try recovery.check()
    let answer: Control.RecoverAnswer = try await agent.client().post(
      "/v1/authority/recover", Control.RecoverRequest(recoveryKey: try key()))
    if output.json {
      try Console.print(json: answer)
    } else {
      Console.print(answer.problems.map { "! \($0)" })
      Console.print([
        "This site holds the authority of mesh '\(answer.mesh)' now: \(answer.authority).",
        "Admitted anew: \(answer.sites.joined(separator: " ")). See 'pbxlink sites', and remove what is not yours.",
        "A site that is out of reach follows when it is back.",
      ])
    }
    try recovery.hand(out: answer.recoveryKey, isPrinted: output.json)
  }

  /// Never an argument: those show in process lists.
  private func key() throws -> String {
    if let recoveryKeyFile {
      return try DocumentFile.text(of: recoveryKeyFile).split(whereSeparator: \.isNewline).joined()
    }
    print("Recovery key: ", terminator: "")
    guard let line = readLine() else { throw Failure("No recovery key was given.", .noInput) }
    return line
  }
}
