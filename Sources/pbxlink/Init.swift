// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

struct Init: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Start a mesh with this server as its first site.",
    discussion: """
      Writes the site file if there is none, makes the keys and the authority of the mesh, and brings the
      tunnel interface and the firewall up.

        pbxlink init --mesh acme --site paris --extensions 2XX --endpoint pbx.example.com:51820 \\
          --local-context from-did-direct --phone-context from-internal-custom

      It shows the mesh's recovery key once, for paper.
      """)

  @Option(help: "A name for the mesh.") var mesh: String
  @Option(help: "A name for this site, such as paris.") var site: String
  @Option(help: "The IPv4 network of the tunnel addresses.") var network = "10.77.0.0/16"
  @OptionGroup var recovery: RecoveryFileOptions
  @OptionGroup var siteFile: SiteFileOptions
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    try recovery.check()
    let answer: Control.MemberAnswer = try await siteFile.whileWritten(for: agent) {
      try await agent.client().post(
        "/v1/init", Control.FoundRequest(mesh: mesh, site: site, network: network))
    }
    if output.json {
      try Console.print(json: answer)
    } else {
      Console.print(answer.problems.map { "! \($0)" })
      Console.print([
        "Mesh '\(answer.mesh)' started; this is site '\(answer.site)' at \(answer.addresses.first ?? "?").",
        "The authority key is in this server's state directory. Keep a copy: pbxlink authority export FILE",
        "Invite another site with: pbxlink add-site NAME --extensions 3XX",
      ])
    }
    if let key = answer.recoveryKey { try recovery.hand(out: key, isPrinted: output.json) }
  }
}

extension SiteFileOptions {
  /// Writes the site file if there is none, and takes it away again when what follows fails.
  func whileWritten<Result>(
    for agent: AgentOptions, _ body: () async throws -> Result
  ) async throws -> Result {
    let path = agent.config
    let isNew = try SiteFile.create(path, from: try configuration())
    if !isNew, !isEmpty {
      throw Failure("\(path) exists: change its keys there instead of giving them as options.", .usage)
    }
    do {
      return try await body()
    } catch {
      // What failed late may have made us a member, which needs its file; so may an agent that gives no answer.
      if isNew, await isInNoMesh(agent) { try SiteFile.remove(path) }
      throw error
    }
  }

  private func isInNoMesh(_ agent: AgentOptions) async -> Bool {
    do {
      let _: Control.SitesAnswer = try await agent.client().get("/v1/sites")
      return false
    } catch let failure as Failure {
      return failure.exitCode == .configuration || failure.exitCode == .unavailable
    } catch {
      return false
    }
  }
}
