// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

struct AddSite: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Invite a site: prints the one line that it joins with. Or answer its request.",
    discussion: """
      The line lets whoever has it join under this name until it is used or expires: send it by a way that
      you trust. Inviting the same name again replaces an unused invitation.

        pbxlink add-site lyon --extensions 3XX
        pbxlink add-site nice --extensions 400-449 --expires 2h
        pbxlink add-site oslo --extensions 7XX --inviter 5XX 6XX     may admit sites with these itself

      Without a network to the new server, answer the request that 'pbxlink join --request' wrote there. Have its
      admin read its fingerprint out by phone. The answer goes back by mail or on a USB stick and is no secret.

        pbxlink add-site lyon --extensions 3XX --request lyon-request.jws --answer lyon-answer.jws
      """)

  @Argument(help: "The new site's name.") var name: String
  @Option(name: .long, parsing: .upToNextOption, help: "Extensions that the new site may announce.")
  var extensions: [String] = []
  @Option(help: "How long the invitation works: a number and s, m, h or d.") var expires = "24h"
  @Flag(help: "Let the new site relay calls between sites that cannot reach each other.") var relay = false
  @Option(
    parsing: .upToNextOption, help: "Let the new site admit others, within these extensions.")
  var inviter: [String] = []
  @Option(help: "The new server's request; - is standard input.", completion: .file()) var request: String?
  @Option(help: "With --request: where the answer goes, NAME-answer.jws by default; - is standard output.")
  var answer: String?
  @Option(help: "With --request: the fingerprint as its admin has told it; asked for by default.")
  var fingerprint: String?
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    if let request { return try await DocumentFile.naming(request) { try await admit(request) } }
    let answer: Control.InviteAnswer = try await agent.client().post(
      "/v1/sites",
      Control.InviteRequest(
        site: name, extensions: extensions, lifetime: try lifetime(), relay: relay,
        invite: inviter.isEmpty ? nil : inviter))
    guard !output.json else { return try Console.print(json: answer) }
    Console.print(answer.problems.map { "! \($0)" })
    Console.print([
      "Site '\(answer.site)' is invited until \(answer.expires). Its tunnel address will be \(answer.address).",
      "On its server, with the agent running, type:", "", answer.command.joined(separator: " "), "",
      "The line is a secret until it is used.",
    ])
  }

  private func admit(_ file: String) async throws {
    let document = try DocumentFile.document(in: file)
    let identity = try EnrolmentRequest.identity(in: document, using: OpenSSLCryptography())
    try Console.compare(identity, with: fingerprint, "This admits a server as site '\(name)'.")
    let result: Control.EnrolAnswer = try await agent.client().post(
      "/v1/enrol",
      Control.EnrolRequest(site: name, extensions: extensions, relay: relay, request: document))
    let path = answer ?? "\(result.site)-answer.jws"
    let heading = "answer for site '\(result.site)', fingerprint of the mesh \(result.authorityFingerprint)"
    try DocumentFile.write(result.answer, under: heading, to: path)
    guard path != "-" else { return }
    guard !output.json else { return try Console.print(json: result) }
    Console.print(result.problems.map { "! \($0)" })
    Console.print([
      "Site '\(result.site)' is admitted at \(result.address). The answer is in \(path): send it there, where",
      "",
      "  pbxlink join FILE", "",
      "takes it. Read the mesh's fingerprint out by phone: \(result.authorityFingerprint)",
    ])
  }

  /// Seconds, from a minute to 30 days.
  private func lifetime() throws -> Int64 {
    guard let seconds = TimeBack.seconds(expires), (60...30 * 86_400).contains(seconds) else {
      throw Failure("'--expires \(expires)': write a time from 60s to 30d, such as 2h.", .usage)
    }
    return seconds
  }
}
