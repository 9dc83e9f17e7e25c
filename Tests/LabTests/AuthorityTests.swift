// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import Testing

@Suite(
  "Moving the authority key", .serialized, .timeLimit(.minutes(5)), .twoPublicOffices("test-authority"))
struct AuthorityTests {
  private let mesh: LinkedLab
  private let file = "/var/acme.authority"
  private let passphrase = "correct horse battery\n"

  init() throws { mesh = try #require(LinkedLab.current) }

  private func authority(_ office: Office, _ arguments: [String]) async throws -> CommandResult {
    try await office.run(
      ["pbxlink", "authority"] + arguments + ["--passphrase-file", "-"], input: passphrase)
  }

  @Test("sites are added and removed where it is, and elsewhere the refusal says where to go")
  func moved() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    let siteFile = try lyon.read("/etc/pbxlink/pbxlink.yaml")
    try await lyon.write(
      siteFile + "tunnel:\n  endpoints: [198.51.100.20:51820]\n", to: "/etc/pbxlink/pbxlink.yaml")
    try await lyon.run(["pbxlink", "apply"]).checked()
    let call = try await paris.call("301")
    let before = try await mesh.lab.record(of: call).caller.uniqueID

    let lost = try await paris.run(["pbxlink", "uninstall", "--yes"])
    #expect(lost.status == 78 && lost.standardError.contains("--abandon-authority"))
    #expect(try await authority(paris, ["export", file, "--remove"]).status == 64, "not without a yes")
    try await authority(paris, ["export", file, "--remove", "--yes"]).checked()
    try await paris.shell("! ls /var/lib/pbxlink/keys/authority").checked()
    let nowhere = try await paris.run(["pbxlink", "add-site", "nice", "--extensions", "4XX"])
    #expect(nowhere.status == 77 && nowhere.standardError.contains("authority import"))

    let copy = try await paris.shell("base64 \(file)").checked().standardOutput
    try await lyon.shell("base64 -d >\(file)", input: copy).checked()
    #expect(try await lyon.run(["pbxlink", "add-site", "nice"]).status == 77)
    try await authority(lyon, ["import", file]).checked()
    try await authority(lyon, ["import", file]).checked()
    let shown = try await lyon.run(["pbxlink", "authority", "show"]).checked().standardOutput
    #expect(shown.contains("Held here, at 'lyon'") && shown.contains("No copy was exported here"))
    try await wait(for: "paris to know where the key is", upTo: .seconds(20)) {
      let refusal = try await paris.run(["pbxlink", "add-site", "nice", "--extensions", "4XX"])
      return refusal.status == 77 && refusal.standardError.contains("Run it at 'lyon'") ? () : nil
    }

    let invited = try await lyon.run(["pbxlink", "add-site", "nice", "--extensions", "4XX"]).checked()
    let line = try #require(
      invited.standardOutput.split(separator: "\n").first { $0.contains("pbxlink join ") })
    try await nice.run(line.split(separator: " ").map(String.init)).checked()
    try await mesh.waitForLink(lyon, nice)
    try await mesh.waitForLink(paris, nice)
    #expect(try await mesh.lab.call(from: nice, to: "201").gaps(interface: "pbxlink0").isEmpty)

    // The key survives a restart, and removes.
    try await lyon.stopAgent("TERM")
    try await lyon.startAgent()
    try await lyon.run(["pbxlink", "remove-site", "nice", "--yes"]).checked()
    try await wait(for: "paris to have heard that nice is removed", upTo: .seconds(20)) {
      try await paris.status().peers.contains { $0.name == "nice" } ? nil : ()
    }
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == before)
    try await call.hangUp()
    for office in [paris, lyon] {
      #expect(!(try String(contentsOfFile: office.log("agent"), encoding: .utf8)).contains("site_forked"))
    }

    try await paris.run(["pbxlink", "uninstall", "--yes"]).checked()
    #expect(try await lyon.run(["pbxlink", "uninstall", "--yes"]).status == 78)
    try await lyon.run(["pbxlink", "uninstall", "--yes", "--abandon-authority"]).checked()
  }
}
