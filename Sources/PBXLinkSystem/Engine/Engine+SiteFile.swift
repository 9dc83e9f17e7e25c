// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension Engine {
  /// Reads the site file again and applies it; a bad one changes nothing.
  func reload() async throws -> Control.DoneAnswer {
    let new = try readSiteFile()
    guard agent != nil else {
      configuration = new
      return Control.DoneAnswer(messages: ["site file read"])
    }
    let done = try step { agent, now in ((), try agent.handle(.configuration(new), at: now)) }.done
    configuration = new
    let problems = await done.value
    guard problems.isEmpty else {
      throw Failure(
        "\(siteFile) is read; not all of it could be applied: \(problems.joined(separator: "; "))", .osError)
    }
    return Control.DoneAnswer(messages: ["site file read and applied"])
  }

  /// The site file, unless it changes what is in use already.
  func readSiteFile() throws -> Configuration {
    let new = try SiteFile.readIfPresent(siteFile)
    let old = configuration
    var fixed = [
      ("paths: state", old.stateDirectory, new.stateDirectory),
      ("paths: runtime", old.runtimeDirectory, new.runtimeDirectory),
      ("monitoring: listen", "\(old.monitoring.listen)", "\(new.monitoring.listen)"),
      ("monitoring: token_file", old.monitoring.tokenFile ?? "", new.monitoring.tokenFile ?? ""),
      ("probe: port", "\(old.probePort)", "\(new.probePort)"),
    ]
    if planes != nil {
      fixed += [
        ("tunnel: interface", old.tunnel.interface, new.tunnel.interface),
        ("tunnel: backend", old.tunnel.backend.rawValue, new.tunnel.backend.rawValue),
        ("exchange: port", "\(old.exchangePort)", "\(new.exchangePort)"),
        (
          "asterisk: configuration_directory", old.asterisk.configurationDirectory,
          new.asterisk.configurationDirectory
        ),
      ]
    }
    for (key, old, new) in fixed where old != new {
      throw Failure("\(siteFile): '\(key)' cannot change while the agent runs. Restart it.", .configuration)
    }
    return new
  }
}
