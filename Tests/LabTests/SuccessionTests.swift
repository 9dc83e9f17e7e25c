// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import Testing

@Suite(
  "A lost authority", .serialized, .timeLimit(.minutes(6)),
  LabScope(name: "test-authority", sites: "two-heads", joining: []))
struct SuccessionTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  private struct WithKeys: Decodable {
    let authority: String
    let recoveryKey: String

    enum CodingKeys: String, CodingKey {
      case authority
      case recoveryKey = "recovery_key"
    }
  }

  private struct Invited: Decodable {
    let invitation: String
  }

  @Test(
    "is replaced by another site's: calls go on, who was off comes back, and the old key is worth nothing")
  func lostAuthority() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    let old = try await paris.run(["pbxlink", "init", "--mesh", "acme", "--site", "paris", "--json"])
      .checked().json(WithKeys.self)
    try await mesh.link(lyon, extensions: "3XX")
    try await mesh.link(nice, extensions: "4XX")
    try await mesh.waitForLink(lyon, nice)
    let kept = try await lyon.call("401")
    let channel = try await mesh.lab.record(of: kept).caller

    // Nice is off; what Paris has signed is lost, but for a copy that a thief has.
    try await nice.stopAgent()
    try await paris.stopAgent("KILL")
    try await paris.shell("mv /var/lib/pbxlink /var/lib/stolen; ip link set eth0 down").checked()

    let recover = ["pbxlink", "authority", "recover", "--recovery-key-file", "-", "--json"]
    let wrong = try await lyon.run(
      recover, input: old.recoveryKey.replacing(/^./) { $0.0 == "A" ? "B" : "A" })
    #expect(wrong.status == 65, "\(wrong.standardError)")
    let new = try await lyon.run(recover, input: old.recoveryKey).checked().json(WithKeys.self)
    #expect(new.authority != old.authority && new.recoveryKey != old.recoveryKey)
    let again = try await lyon.run(recover, input: old.recoveryKey)
    #expect(again.status == 77 && again.standardError.contains("used before"), "\(again.standardError)")

    try await nice.startAgent()
    try await wait(for: "nice to be under the new authority", upTo: .seconds(90)) {
      try await nice.status().mesh.authority == new.authority ? () : nil
    }
    try await mesh.waitForLink(lyon, nice)
    let after = try await mesh.lab.record(of: kept).caller
    #expect(after.channel == channel.channel && after.uniqueID == channel.uniqueID)
    #expect(try await nice.plan().steps.isEmpty)

    // The thief revokes and grants with the old key; nobody believes it.
    try await paris.shell("cp -a /var/lib/stolen /var/lib/pbxlink").checked()
    try await paris.startAgent()
    try await paris.run(["pbxlink", "grant", "lyon", "--extensions", "8XX"]).checked()
    _ = try await paris.run(["pbxlink", "remove-site", "nice", "--yes"])
    let forged = try await paris.run(["pbxlink", "descriptor", "export", "--all"]).checked().standardOutput
    for office in [lyon, nice] {
      let result = try await office.run(["pbxlink", "descriptor", "import", "-"], input: forged)
      #expect(result.standardOutput.contains("0 new"), "\(result.standardOutput)\(result.standardError)")
      #expect(try await office.status().mesh.authority == new.authority)
    }
    try await mesh.waitForLink(lyon, nice)
    try await kept.hangUp()

    // Paris comes back to the Internet with the old key, and learns that it rules nothing any more.
    try await paris.shell("ip link set eth0 up").checked()
    try await wait(for: "paris to be under the new authority", upTo: .seconds(90)) {
      try await paris.status().mesh.authority == new.authority ? () : nil
    }
    #expect(try await paris.run(["pbxlink", "add-site", "evil", "--extensions", "7XX"]).status == 77)

    // It is removed and begins anew with an invitation from Lyon.
    try await lyon.run(["pbxlink", "remove-site", "paris", "--yes"]).checked()
    try await paris.run(["pbxlink", "uninstall", "--yes"]).checked()
    let siteFile = try String(contentsOfFile: Repository.path("sites/two-heads/paris.yaml"), encoding: .utf8)
    try await paris.write(siteFile, to: "/etc/pbxlink/pbxlink.yaml")
    try await paris.startAgent()
    let invited = try await lyon.run(["pbxlink", "add-site", "paris", "--extensions", "2XX", "--json"])
      .checked().json(Invited.self)
    try await paris.run(["pbxlink", "join", invited.invitation]).checked()
    try await mesh.waitForLink(lyon, paris)
    try await mesh.waitForLink(paris, nice)
    #expect(try await mesh.lab.call(from: nice, to: "201").gaps(interface: "pbxlink0").isEmpty)
    #expect(try await mesh.lab.call(from: nice, to: "301").gaps(interface: "pbxlink0").isEmpty)

    // The recovery key was never written down by the agent.
    let needle = old.recoveryKey.prefix(9)
    let traces = try await paris.shell("grep -rl '\(needle)' /var/lib/stolen /var/lib/pbxlink || true")
    #expect(traces.standardOutput.isEmpty)
    #expect(!(try String(contentsOfFile: paris.log("agent"), encoding: .utf8)).contains(needle))
  }

  @Test("and a site that may admit others lets one in without the authority")
  func delegation() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    try await lyon.run(["pbxlink", "remove-site", "nice", "--yes"]).checked()
    try await nice.run(["pbxlink", "uninstall", "--yes"]).checked()
    try await lyon.run(["pbxlink", "grant", "paris", "--invite", "4XX"]).checked()
    try await wait(for: "paris to know its delegation", upTo: .seconds(30)) {
      try await paris.run(["pbxlink", "sites"]).checked().standardOutput.contains("inviter(4XX)") ? () : nil
    }
    try await lyon.stopAgent()
    let siteFile = try String(contentsOfFile: Repository.path("sites/two-heads/nice.yaml"), encoding: .utf8)
    try await nice.write(siteFile, to: "/etc/pbxlink/pbxlink.yaml")
    try await nice.startAgent()
    let refused = try await paris.run(["pbxlink", "add-site", "branch", "--extensions", "5XX"])
    #expect(refused.status == 65 && refused.standardError.contains("delegated"), "\(refused.standardError)")
    let invited = try await paris.run(["pbxlink", "add-site", "branch", "--extensions", "4XX", "--json"])
      .checked().json(Invited.self)
    try await nice.run(["pbxlink", "join", invited.invitation]).checked()
    #expect(try await mesh.lab.call(from: nice, to: "201").gaps(interface: "pbxlink0").isEmpty)
    try await lyon.startAgent()
    try await wait(for: "lyon to know who admitted the branch", upTo: .seconds(90)) {
      try await lyon.run(["pbxlink", "sites"]).checked().standardOutput.contains(#/branch +member .+ paris /#)
        ? () : nil
    }
  }
}
