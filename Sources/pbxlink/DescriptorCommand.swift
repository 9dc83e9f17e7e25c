// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import FoundationEssentials
import PBXLinkCore
import PBXLinkSystem

struct DescriptorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "descriptor",
    abstract: "Look at, carry and check the signed documents.",
    subcommands: [ShowDescriptor.self, ExportDescriptor.self, ImportDescriptor.self, VerifyDescriptor.self])
}

struct ShowDescriptor: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print what a site says of itself, as JSON.",
    discussion: "  pbxlink descriptor show          this site's\n  pbxlink descriptor show lyon")

  @Argument(help: "The site; this one by default.") var site: String?
  @OptionGroup var agent: AgentOptions

  func execute() async throws {
    let entry = try await agent.documents().descriptor(of: site)
    let parts = entry.jws.split(separator: ".")
    guard parts.count == 3, let payload = Base64URL.decode(parts[1]) else {
      throw Failure("The descriptor of '\(entry.site ?? "")' is not a JWS.", .dataError)
    }
    print(String(decoding: payload, as: UTF8.self))
  }
}

struct ExportDescriptor: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Print signed documents, for another site or another program to check.",
    discussion: """
        pbxlink descriptor export                    this site's descriptor, JWS compact
        pbxlink descriptor export lyon --json        with the signer's key as a JWK
        pbxlink descriptor export --all > mesh.jws   everything, for 'pbxlink descriptor import'
      """)

  @Argument(help: "The site; this one by default.") var site: String?
  @Flag(help: "All documents of the mesh.") var all = false
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let answer = try await agent.documents()
    let entries = all ? answer.documents : [try answer.descriptor(of: site)]
    guard !output.json else { return try Console.print(json: entries) }
    for entry in entries { print(entry.jws) }
  }
}

struct ImportDescriptor: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Take in documents from a file, one a line; each is verified.",
    discussion: "  pbxlink descriptor import mesh.jws")

  @Argument(help: "The file, or - for standard input.", completion: .file()) var file: String
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func execute() async throws {
    let answer: Control.ImportAnswer = try await agent.client().post(
      "/v1/documents", Control.ImportRequest(documents: try DocumentFile.documents(in: file)))
    if output.json {
      try Console.print(json: answer)
    } else {
      Console.print(["\(answer.accepted) new"] + answer.refused.map { "! refused: \($0)" })
    }
    guard answer.refused.isEmpty else {
      throw ArgumentParser.ExitCode(PBXLinkSystem.ExitCode.dataError.rawValue)
    }
  }
}

struct VerifyDescriptor: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check documents in a file against this mesh's authority; change nothing.",
    discussion: """
        pbxlink descriptor verify mesh.jws
        pbxlink descriptor verify mesh.jws --mesh acme --authority KEY     without an agent
      """)

  @Argument(help: "The file, or - for standard input.", completion: .file()) var file: String
  @Option(help: "The mesh's name.") var mesh: String?
  @Option(help: "The authority's public key, base64url.") var authority: String?
  @OptionGroup var agent: AgentOptions

  func execute() async throws {
    var directory = Directory(mesh: try await identity())
    for (index, line) in try DocumentFile.documents(in: file).enumerated() {
      do {
        let changes = try directory.merge(line, using: OpenSSLCryptography())
        Console.print(changes.isEmpty ? ["valid, known by an earlier line"] : changes.map { "valid: \($0)" })
      } catch {
        throw Failure("\(file), line \(index + 1): \(error)", .dataError)
      }
    }
  }

  private func identity() async throws -> MeshIdentity {
    guard mesh != nil || authority != nil else {
      let answer = try await agent.documents()
      return try Self.identity(answer.mesh, answer.authority)
    }
    return try Self.identity(mesh ?? "", authority ?? "")
  }

  private static func identity(_ mesh: String, _ authority: String) throws -> MeshIdentity {
    guard let name = MeshName(mesh), let key = PublicKey(authority) else {
      throw Failure("Give both --mesh NAME and --authority KEY (43 characters of base64url).", .usage)
    }
    return MeshIdentity(name: name, authority: key)
  }
}

extension AgentOptions {
  /// The documents that the agent holds.
  func documents() async throws -> Control.DocumentsAnswer { try await client().get("/v1/documents") }
}

extension Control.DocumentsAnswer {
  /// The descriptor of a site, or of this one.
  func descriptor(of name: String?) throws -> Control.DocumentEntry {
    let wanted = name ?? site
    guard let entry = documents.first(where: { $0.kind == "descriptor" && $0.site == wanted }) else {
      throw Failure(
        "There is no descriptor of a site '\(wanted)' here. 'pbxlink sites' lists the sites.", .noInput)
    }
    return entry
  }
}
