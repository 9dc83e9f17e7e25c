// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

struct Join: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Join a mesh with an invitation, or with a request and its answer.",
    discussion: """
      The invitation is the line that 'pbxlink add-site' printed on the other server. It works once, for one
      server. '-' reads it from standard input, so that it stays out of the shell's history.

        pbxlink join pbxlink1.eyJhbGciOi... --local-context from-did-direct --phone-context from-internal-custom
        pbxlink join - < invitation.txt

      Without a network between the servers it goes by files, by mail or on a USB stick. Neither file is a secret,
      and both admins compare a fingerprint by phone:

        pbxlink join --request lyon-request.jws         here; then send that file
        pbxlink add-site lyon --request lyon-request.jws --extensions 3XX     there; sends lyon-answer.jws back
        pbxlink join lyon-answer.jws                    here
      """)

  @Argument(help: "The invitation, a file with an invitation or an answer, or - for standard input.")
  var invitation: String?
  @Option(help: "Write a request to join to this file instead; - is standard output.") var request: String?
  @Option(help: "With --request: the name that this site would like.") var site: String?
  @Option(help: "With an answer: the mesh's fingerprint as its admin has told it; asked for by default.")
  var fingerprint: String?
  @OptionGroup var siteFile: SiteFileOptions
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (invitation == nil) != (request == nil) else {
      throw ValidationError("Give an invitation, a file, or --request FILE: just one of them.")
    }
  }

  func execute() async throws {
    if let request { return try await writeRequest(to: request) }
    let source = invitation ?? "-"
    let text = try InvitationFile.text(source)
    guard InvitationFile.isAnswer(text) else {
      return try report(
        try await siteFile.whileWritten(for: agent) {
          try await agent.client().post("/v1/join", Control.JoinRequest(invitation: text))
        })
    }
    try await DocumentFile.naming(source) { try await useAnswer(text) }
  }

  private func writeRequest(to path: String) async throws {
    let answer: Control.RequestAnswer = try await siteFile.whileWritten(for: agent) {
      try await agent.client().post("/v1/request", Control.RequestRequest(site: site))
    }
    let heading = "request to join a pbxlink mesh, fingerprint \(answer.fingerprint)"
    try DocumentFile.write([answer.request], under: heading, to: path)
    guard path != "-" else { return }
    guard !output.json else { return try Console.print(json: answer) }
    Console.print([
      "Request written to \(path). Send it to the mesh's admin, and read this fingerprint out by phone:", "",
      "  \(answer.fingerprint)", "", "When the answer is here: pbxlink join FILE",
    ])
  }

  private func useAnswer(_ text: String) async throws {
    let documents = DocumentLines.documents(in: text)
    let opened = try EnrolmentAnswer.open(documents.first ?? "", using: OpenSSLCryptography())
    try Console.compare(
      opened.answer.authority, with: fingerprint,
      "This answer makes this server site '\(opened.membership.site)' of mesh '\(opened.membership.mesh)'.")
    try report(
      try await siteFile.whileWritten(for: agent) {
        try await agent.client().post("/v1/answer", Control.AnswerRequest(documents: documents))
      })
  }

  private func report(_ answer: Control.MemberAnswer) throws {
    guard !output.json else { return try Console.print(json: answer) }
    Console.print(answer.problems.map { "! \($0)" })
    Console.print([
      "This is now site '\(answer.site)' of mesh '\(answer.mesh)' at \(answer.addresses.first ?? "?"), extensions "
        + (answer.extensions.isEmpty ? "none" : answer.extensions.joined(separator: " ")) + ".",
      "See the links with: pbxlink status",
    ])
  }
}

extension Console {
  /// Ends the command unless a key's fingerprint is what was given, or what the admin at the terminal confirms.
  static func compare(_ key: PublicKey, with given: String?, _ sentence: String) throws {
    let cryptography = OpenSSLCryptography()
    let fingerprint = key.fingerprint(using: cryptography)
    if let given {
      guard key.hasFingerprint(given, using: cryptography) else {
        throw Failure(
          "The fingerprint is \(fingerprint), not \(given): the file was replaced on its way, or is another one. "
            + "Nothing was changed.", .dataError)
      }
      return
    }
    guard confirm("\(sentence) Compare the fingerprint by phone: \(fingerprint).") else {
      throw Failure("Nothing was changed. Without a terminal, give --fingerprint.", .usage)
    }
  }
}
