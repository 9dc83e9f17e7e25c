// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

/// Where the agent and its site file are.
struct AgentOptions: ParsableArguments {
  @Option(name: .long, help: "The site file.", completion: .file(extensions: ["yaml"]))
  var config = "/etc/pbxlink/pbxlink.yaml"

  /// The agent that runs with this site file.
  func client() throws -> ControlClient {
    ControlClient(runtimeDirectory: try SiteFile.readIfPresent(config).runtimeDirectory)
  }
}

/// Output for programs instead of people.
struct OutputOptions: ParsableArguments {
  @Flag(name: .long, help: "Print JSON.")
  var json = false
}

/// What a new site file gets; an existing one is left alone.
struct SiteFileOptions: ParsableArguments {
  @Option(
    name: .long, parsing: .upToNextOption,
    help: "Extensions of this site that other sites may call, such as 2XX or 300-349.")
  var extensions: [String] = []

  @Option(
    name: .long, parsing: .upToNextOption,
    help: "Where the Internet reaches this server's tunnel, HOST:PORT (UDP). None behind NAT.")
  var endpoint: [String] = []

  @Option(
    name: .long, help: "The dialplan context that holds this site's extensions and nothing else.")
  var localContext: String?

  @Option(
    name: .long, parsing: .upToNextOption, help: "Dialplan contexts whose phones may call other sites.")
  var phoneContext: [String] = []

  /// The values as a configuration.
  func configuration() throws -> Configuration {
    var configuration = Configuration()
    configuration.numbers.extensions = try extensions.flatMap(ExtensionPattern.parse)
    configuration.tunnel.endpoints = try endpoint.map { text in
      guard let endpoint = Endpoint(text) else {
        throw Failure("'\(text)' is not an endpoint: write HOST:PORT, such as pbx.example.com:51820.", .usage)
      }
      return endpoint
    }
    configuration.asterisk.localContext = localContext
    configuration.asterisk.phoneContexts = phoneContext
    return configuration
  }

  var isEmpty: Bool { extensions.isEmpty && endpoint.isEmpty && localContext == nil && phoneContext.isEmpty }
}
