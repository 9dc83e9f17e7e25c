// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

/// Started by the agent, not by people.
struct SharedPort: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "shared-port",
    abstract: "Serve the public TCP port of OpenVPN; the agent does this.",
    shouldDisplay: false)

  @Option(help: "The address and port to listen on.") var listen: String
  @Option(help: "The directory with the table of peers.") var directory: String

  func execute() async throws {
    guard let listen = Endpoint(listen).flatMap(ResolvedEndpoint.init) else {
      throw Failure("'--listen \(self.listen)': use ADDRESS:PORT, such as 0.0.0.0:443.", .usage)
    }
    try await SharedPortServer(listen: listen, directory: directory).run()
  }
}
