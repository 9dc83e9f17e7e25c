// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import Testing

@Suite(
  "A site restored from a backup", .serialized, .timeLimit(.minutes(5)),
  .offices("test-restore", isLinked: true))
struct RestoreTests {
  private let mesh: LinkedLab
  private let siteFile = "/etc/pbxlink/pbxlink.yaml"
  private let file = "/var/site.pbxlink"
  private let passphrase = "correct horse battery\n"

  init() throws { mesh = try #require(LinkedLab.current) }

  private func serial(of site: String, at office: Office) async throws -> UInt64 {
    let payload = try await office.run(["pbxlink", "descriptor", "show", site]).checked()
    return try payload.json(Serial.self).serial
  }

  private struct Serial: Decodable { let serial: UInt64 }

  private func backup(_ office: Office) async throws {
    try await office.run(
      ["pbxlink", "backup", file, "--force", "--passphrase-file", "-"], input: passphrase
    ).checked()
  }

  private func restore(_ office: Office, _ options: [String] = [], with passphrase: String? = nil)
    async throws
    -> CommandResult
  {
    try await office.run(
      ["pbxlink", "restore", file, "--passphrase-file", "-"] + options, input: passphrase ?? self.passphrase)
  }

  private func isSilent(_ office: Office) async throws -> Bool {
    try await office.status().agent.problems.contains { $0.contains("nothing is signed") }
  }

  private func expectNoFork() throws {
    for office in mesh.lab.offices {
      #expect(!(try String(contentsOfFile: office.log("agent"), encoding: .utf8)).contains("site_forked"))
    }
  }

  @Test("is the same site again, its call still up, and goes on from what the others knew of it")
  func restored() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    let call = try await paris.call("301")
    let before = try await mesh.lab.record(of: call).caller.uniqueID
    try await backup(lyon)
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == before)
    let old = try await serial(of: "lyon", at: paris)
    let text = try lyon.read(siteFile)
    for limit in [7, 8] {
      try await lyon.write(text + "trunk:\n  call_limit: \(limit)\n", to: siteFile)
      try await lyon.run(["pbxlink", "apply"]).checked()
    }
    try await wait(for: "paris to know lyon's newest descriptor", upTo: .seconds(20)) {
      try await serial(of: "lyon", at: paris) == old + 2 ? () : nil
    }

    #expect(try await restore(lyon).status == 78, "the agent runs")
    try await lyon.stopAgent("TERM")
    #expect(try await restore(lyon).status == 73, "there is a state")
    try await lyon.shell("rm -r /var/lib/pbxlink /etc/pbxlink").checked()
    #expect(try await restore(lyon, with: "another pass phrase\n").status == 77)
    let shown = try await restore(lyon, ["--show"]).checked().standardOutput
    #expect(shown.contains("site 'lyon' of mesh 'acme'") && shown.contains("descriptor \(old)"))
    try await lyon.shell("! ls /var/lib/pbxlink /etc/pbxlink").checked()
    try await restore(lyon).checked()
    try await lyon.startAgent()

    try await wait(for: "lyon to go on from its newest descriptor", upTo: .seconds(60)) {
      try await serial(of: "lyon", at: paris) == old + 3 ? () : nil
    }
    #expect(try await !isSilent(lyon))
    #expect(
      try String(contentsOfFile: lyon.log("agent"), encoding: .utf8).contains("event=restore_ended"))
    try await mesh.waitForLink(paris, lyon)
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == before)
    try await call.hangUp()
    let gaps = try await mesh.lab.call(from: lyon, to: "201").gaps(interface: "pbxlink0")
    #expect(gaps.isEmpty, "\(gaps)")
    try expectNoFork()
  }

  /// Renews the keys of an office and gives the serial of the descriptor that another one then has of it.
  private func rotate(_ office: Office, seenBy other: Office) async throws -> UInt64 {
    let name = office.name.description
    let before = try await serial(of: name, at: office)
    _ = try await office.run(["pbxlink", "rotate-keys", "--leave-behind"])
    return try await wait(for: "\(name) to have rotated its keys", upTo: .seconds(30)) {
      let shown = try await office.run(["pbxlink", "rotate-keys", "--show"]).checked().standardOutput
      let now = try await serial(of: name, at: office)
      // One descriptor announces the new trunk key, one the new tunnel key.
      guard shown.contains("In use since"), now >= before + 2 else { return nil }
      return try await serial(of: name, at: other) == now ? now : nil
    }
  }

  private func expectCalls(_ one: Office, _ other: Office, dialling number: String) async throws {
    try await mesh.waitForLink(one, other)
    let gaps = try await mesh.lab.call(from: one, to: number).gaps(interface: "pbxlink0")
    #expect(gaps.isEmpty, "\(gaps)")
    try expectNoFork()
  }

  @Test("whose keys were rotated since takes the tunnel key that came next then, and comes back by itself")
  func rotatedOnce() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    try await backup(lyon)
    let last = try await rotate(lyon, seenBy: paris)
    try await lyon.stopAgent("TERM")
    try await restore(lyon, ["--force"]).checked()
    try await lyon.startAgent()
    let state = try await lyon.status().peers.first { $0.name == "paris" }?.state
    #expect(state == .down, "what the former key has agreed on is worth nothing")
    try await wait(for: "paris to know lyon's next descriptor", upTo: .seconds(90)) {
      try await serial(of: "lyon", at: paris) > last ? () : nil
    }
    try await expectCalls(lyon, paris, dialling: "201")
    #expect(try await !isSilent(lyon))
  }

  @Test("whose keys were rotated twice since gets its links back by documents carried by hand")
  func rotatedTwice() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    try await backup(lyon)
    var last: UInt64 = 0
    for _ in 0..<2 { last = try await rotate(lyon, seenBy: paris) }
    try await lyon.stopAgent("TERM")
    try await restore(lyon, ["--force"]).checked()
    try await lyon.startAgent()
    #expect(try await isSilent(lyon))
    let why = try await lyon.run(["pbxlink", "why", "paris"])
    #expect(why.status == 1 && why.standardOutput.contains("descriptor export --all"))

    let known = try await paris.run(["pbxlink", "descriptor", "export", "--all"]).checked().standardOutput
    try await lyon.run(["pbxlink", "descriptor", "import", "-"], input: known).checked()
    try await lyon.run(["pbxlink", "apply", "--accept-serials"]).checked()
    let ours = try await lyon.run(["pbxlink", "descriptor", "export"]).checked().standardOutput
    try await paris.run(["pbxlink", "descriptor", "import", "-"], input: ours).checked()
    #expect(try await serial(of: "lyon", at: paris) > last)
    try await expectCalls(lyon, paris, dialling: "201")
  }

  @Test("signs nothing while it reaches nobody, keeps its links, and signs when the admin says so")
  func alone() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    try await backup(nice)
    for office in [paris, lyon, nice] { try await office.stopAgent("TERM") }
    let output = try await restore(nice, ["--force"]).checked().standardOutput
    #expect(output.contains("/var/lib/pbxlink.before-"))
    try await nice.startAgent()
    #expect(try await isSilent(nice))
    let known = try await serial(of: "nice", at: nice)
    let text = try nice.read(siteFile)
    try await nice.write(text + "trunk:\n  call_limit: 7\n", to: siteFile)
    try await nice.run(["pbxlink", "apply"]).checked()
    #expect(try await serial(of: "nice", at: nice) == known)
    #expect(try await mesh.lab.call(from: nice, to: "201").gaps(interface: "pbxlink0").isEmpty)

    try await nice.run(["pbxlink", "apply", "--accept-serials"]).checked()
    #expect(try await serial(of: "nice", at: nice) == known + 1)
    #expect(try await !isSilent(nice))
    for office in [paris, lyon] { try await office.startAgent() }
    try await wait(for: "paris to hear of it", upTo: .seconds(90)) {
      try await serial(of: "nice", at: paris) == known + 1 ? () : nil
    }
    try expectNoFork()
  }
}
