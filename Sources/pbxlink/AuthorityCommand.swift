// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct AuthorityCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "authority",
    abstract:
      "The key that admits and revokes sites: show it, move it, replace it when it is lost or stolen.",
    discussion: """
      Without the key everything goes on but what it must sign: new sites, removals, renewed memberships.

        pbxlink authority show
        pbxlink authority export /mnt/usb/acme.authority             keep a copy off line
        pbxlink authority export /mnt/usb/acme.authority --remove    and none here
        pbxlink authority import /mnt/usb/acme.authority             on another site, or on this one again
      """,
    subcommands: [
      ShowAuthority.self, ExportAuthority.self, ImportAuthority.self, NameRecoveryKey.self,
      RecoverAuthority.self,
    ])
}

struct ShowAuthority: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Where the authority key is, and what needs it.")

  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let answer: Control.AuthorityAnswer = try await agent.client().get("/v1/authority")
    guard !output.json else { return try Console.print(json: answer) }
    let others = answer.otherInviters
    Console.print([
      "Mesh '\(answer.mesh)', authority \(answer.authority)",
      answer.isHeldHere ? "Held here, at '\(answer.site)'" : "Not held here, at '\(answer.site)'",
      others.isEmpty
        ? "No other site says that it can invite"
        : "Other sites that say that they can invite: \(others.joined(separator: ", "))",
    ])
    if answer.isHeldHere {
      Console.print([
        answer.exportedAt.map { "A copy was exported at \($0)" } ?? "! No copy was exported here"
      ])
    }
    Console.print([
      "Needed by add-site, by a site that joins, by remove-site, and to renew memberships (two years)"
    ])
  }
}

struct ExportAuthority: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write the authority key into a file that a pass phrase opens.",
    discussion: "Who has the file and the pass phrase rules the mesh: keep them apart, and off this server.")

  @Argument(help: "The file to write.", completion: .file()) var file: String
  @Flag(help: "Then take the key off this site.") var remove = false
  @Flag(help: "Replace the file if there is one.") var force = false
  @Flag(help: "Do not ask.") var yes = false
  @OptionGroup var passphrase: PassphraseOptions
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let key = try AuthorityFile(siteFile: agent.config)
    let client = try agent.client()
    if remove {
      let state: Control.AuthorityAnswer = try await client.get("/v1/authority")
      let warning =
        state.otherInviters.isEmpty
        ? "No other site has the key: \(file) will be the only copy." : "The key leaves this site."
      guard yes || Console.confirm(warning) else { throw Failure("Nothing was changed.", .usage) }
    }
    try key.write(to: file, replacing: force, passphrase: passphrase.new)
    var messages = ["\(file) holds the authority key of mesh '\(key.mesh)'. It was read back, and opens."]
    do {
      let _: Control.DoneAnswer = try await client.post("/v1/authority/exported")
      if remove {
        let answer: Control.DoneAnswer = try await client.post("/v1/authority/remove")
        messages += answer.messages
      }
    } catch let failure as Failure where failure.exitCode == .unavailable && !remove {
      messages.append("! The agent does not run, so 'uninstall' will not know of this copy.")
    }
    guard !output.json else { return try Console.print(json: Control.DoneAnswer(messages: messages)) }
    Console.print(messages + ["Keep two copies off this server, and the pass phrase apart from them."])
  }
}

struct ImportAuthority: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Take the authority key in: 'add-site' and 'remove-site' then work here.",
    discussion: "The site must be a member of the mesh whose key it is. The running agent takes it at once.")

  @Argument(help: "The file that 'pbxlink authority export' wrote.", completion: .file()) var file: String
  @OptionGroup var passphrase: PassphraseOptions
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let authority = try AuthorityFile(file: file, passphrase: try passphrase.existing())
    let answer: Control.DoneAnswer = try await agent.client().post("/v1/authority", authority.key)
    if output.json { try Console.print(json: answer) } else { Console.print(answer.messages) }
  }
}
