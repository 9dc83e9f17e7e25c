// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import Testing

@Suite("Bad input", .serialized, .timeLimit(.minutes(10)), .offices("test-bad-input", isLinked: false))
struct BadInputTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  /// Tests run in the order of the file; each leaves the offices usable for the next.
  @Test("a mesh is not started twice, with a bad name, over a local network, or with emergency numbers")
  func badInit() async throws {
    let paris = try mesh.paris
    let initialize = ["pbxlink", "init", "--mesh", "acme", "--site"]
    #expect(try await paris.run(initialize + ["Paris!"]).status == 64)
    #expect(try await paris.run(initialize + ["paris", "--network", "198.51.0.0/16"]).status == 65)
    #expect(try await paris.run(initialize + ["paris", "--network", "10.77.0.0/33"]).status == 64)
    #expect(try await paris.run(["pbxlink", "status"]).status == 78)
    try await mesh.found()
    let again = try await paris.run(initialize + ["paris"])
    #expect(again.status == 78)
    #expect(again.standardError.contains("already"))
  }

  @Test(
    "a site file with an error is refused with file, line and column, and nothing changes",
    arguments: [
      ("numbers:\n  extensions: [911]\n", ":2:"), ("trunk:\n  call_limit: many\n", ":2:"),
      ("tunnel:\n  endpoint: [a.example:1]\n", ":2:"), ("frewall: {}\n", ":1:"), ("trunk: [\n", ":"),
    ])
  func badSiteFile(text: String, position: String) async throws {
    let paris = try mesh.paris
    let path = "/etc/pbxlink/pbxlink.yaml"
    let good = try paris.read(path)
    try await paris.write(text, to: path)
    let result = try await paris.run(["pbxlink", "status"])
    #expect(result.status == 78, "\(result.standardError)")
    #expect(result.standardError.contains(path + position), "\(result.standardError)")
    try await paris.signalAgent("HUP")
    try await wait(for: "the agent to refuse the file", upTo: .seconds(5)) {
      try String(contentsOfFile: paris.log("agent"), encoding: .utf8).contains("reload: ") ? () : nil
    }
    try await paris.write(good, to: path)
    try await paris.run(["pbxlink", "status"]).checked()
    #expect(try await paris.plan().steps.isEmpty)
  }

  @Test(
    "a site that cannot be admitted is refused, with what stands in the way",
    arguments: [
      (["paris", "--extensions", "3XX"], Int32(65), "taken"),
      (["Lyon", "--extensions", "3XX"], 64, "not a site name"),
      (["lyon", "--extensions", "2[0-4]X"], 65, "paris"), (["lyon", "--extensions", "9XX"], 65, "911"),
      (["lyon", "--extensions", "112"], 65, "112"), (["lyon", "--extensions", "3."], 65, "3."),
      (["lyon", "--extensions", "3XX", "--expires", "1y"], 64, "60s"),
    ])
  func refusedSite(arguments: [String], status: Int32, reason: String) async throws {
    let result = try await mesh.paris.run(["pbxlink", "add-site"] + arguments)
    #expect(result.status == status, "\(result.standardError)")
    #expect(result.standardError.contains(reason), "\(result.standardError)")
    #expect(try await mesh.paris.status().peers.isEmpty)
  }

  @Test("joining and 'uninstall' leave Asterisk's files as they were, byte for byte, owner and mode too")
  func uninstall() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    // A file without a final line feed is the one that is easy to get wrong.
    try await lyon.shell("truncate -s -1 /etc/asterisk/iax.conf && cp -a /etc/asterisk /run/before").checked()
    try await lyon.run(["pbxlink", "join", mesh.invitation(for: lyon, extensions: "3XX")]).checked()
    try await mesh.waitForLink(paris, lyon)
    #expect(try await lyon.shell("diff -r /run/before /etc/asterisk").status == 1)
    try await lyon.run(["pbxlink", "uninstall", "--yes"]).checked()
    let listing = "find . -printf '%p %U:%G %m %y\\n' | sort"
    try await lyon.shell(
      """
      diff -r /run/before /etc/asterisk
      (cd /run/before; \(listing)) >/run/listing
      cd /etc/asterisk; \(listing) | diff /run/listing -
      """
    ).checked()
    try await paris.run(["pbxlink", "remove-site", "lyon", "--yes"]).checked()
    let file = Repository.path("sites/three-offices/lyon.yaml")
    try await lyon.write(String(contentsOfFile: file, encoding: .utf8), to: "/etc/pbxlink/pbxlink.yaml")
    try await lyon.startAgent()
  }

  @Test("a cut, altered, foreign or expired invitation is refused and leaves nothing behind")
  func badInvitations() async throws {
    let lyon = try mesh.lyon
    let line = try await mesh.invitation(for: lyon, extensions: "3XX")
    let middle = line.index(line.startIndex, offsetBy: line.count / 2)
    var altered = line
    altered.replaceSubrange(middle...middle, with: line[middle] == "A" ? "B" : "A")
    for (bad, reason) in [
      (String(line.dropLast(40)), "cut short"), (altered, "altered"),
      ("pbxlink9." + line.dropFirst(9), "format"),
      ("hello", "not an invitation"),
    ] {
      let result = try await lyon.run(["pbxlink", "join", bad])
      #expect(result.status == 65, "\(result.standardError)")
      #expect(result.standardError.contains(reason), "\(result.standardError)")
    }
    // A line that was replaced by a newer one opens no tunnel any more.
    _ = try await mesh.invitation(for: lyon, extensions: "3XX")
    let replaced = try await lyon.run(["pbxlink", "join", line])
    #expect(replaced.status == 69, "\(replaced.standardError)")
    let traces = try await lyon.shell(
      "ip link show pbxlink0 || nft list table inet pbxlink || ls /etc/asterisk/pbxlink")
    #expect(!traces.succeeded, "\(traces.standardOutput)")
  }

  @Test("an invitation works once; the same server may use it again, another may not")
  func reusedInvitation() async throws {
    let (lyon, nice) = (try mesh.lyon, try mesh.nice)
    let line = try await mesh.invitation(for: lyon, extensions: "3XX")
    try await lyon.run(["pbxlink", "join", line]).checked()
    try await mesh.waitForLink(mesh.paris, lyon)
    let call = try await lyon.call("201")
    let before = try await mesh.lab.record(of: call).caller.uniqueID
    try await lyon.run(["pbxlink", "join", line]).checked()
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == before)
    try await call.hangUp()
    let stolen = try await nice.run(["pbxlink", "join", line])
    #expect([69, 77].contains(stolen.status), "\(stolen.standardError)")
    #expect(try await nice.run(["pbxlink", "status"]).status == 78)
  }

  @Test("Asterisk that is stopped gets its trunks when it starts")
  func stoppedAsterisk() async throws {
    let nice = try mesh.nice
    try await nice.shell("kill $(pidof asterisk); while pidof asterisk; do sleep 0.1; done >/dev/null")
      .checked()
    try await nice.run(["pbxlink", "join", mesh.invitation(for: nice, extensions: "4XX")]).checked()
    let status = try await nice.status()
    #expect(
      status.agent.problems.contains { $0.contains("Asterisk is not running") }, "\(status.agent.problems)")
    try await nice.startAsterisk()
    try await mesh.waitForLink(mesh.paris, nice)
    #expect(try await mesh.lab.call(from: nice, to: "201").gaps(interface: "pbxlink0").isEmpty)
  }

  @Test("two sites that join at the same moment both get in, with addresses of their own")
  func simultaneousJoins() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    for office in [lyon, nice] {
      try await office.run(["pbxlink", "uninstall", "--yes"]).checked()
      try await paris.run(["pbxlink", "remove-site", office.name.description, "--yes"]).checked()
      let file = Repository.path("sites/three-offices/\(office.name).yaml")
      try await office.write(String(contentsOfFile: file, encoding: .utf8), to: "/etc/pbxlink/pbxlink.yaml")
      try await office.startAgent()
    }
    let lines = [
      try await mesh.invitation(for: lyon, extensions: "3XX"),
      try await mesh.invitation(for: nice, extensions: "4XX"),
    ]
    async let first = lyon.run(["pbxlink", "join", lines[0]])
    async let second = nice.run(["pbxlink", "join", lines[1]])
    for result in try await [first, second] { #expect(result.succeeded, "\(result.standardError)") }
    try await mesh.waitForLink(paris, lyon)
    try await mesh.waitForLink(paris, nice)
    #expect(Set(try await paris.status().peers.compactMap(\.addresses.first)).count == 2)
  }

  @Test("a name clash in the admin's own iax.conf is refused with file and line, and the trunks stay")
  func nameClash() async throws {
    let lyon = try mesh.lyon
    try await lyon.shell("printf '\\n[plk_rome]\\ntype=friend\\n' >>/etc/asterisk/iax.conf").checked()
    try await lyon.shell("rm /etc/asterisk/pbxlink/iax.conf").checked()
    let result = try await lyon.run(["pbxlink", "apply"])
    #expect(result.status == 71)
    #expect(
      result.standardOutput.contains(/iax\.conf.*plk_rome|plk_rome.*iax\.conf/), "\(result.standardOutput)")
    try await lyon.shell("sed -i '/^\\[plk_rome\\]/,$d' /etc/asterisk/iax.conf").checked()
    try await lyon.run(["pbxlink", "apply"]).checked()
    try await mesh.waitForLink(mesh.paris, lyon)
  }

  @Test("without permission, without an agent, or beside another agent, the command says so")
  func permissions() async throws {
    let paris = try mesh.paris
    let nobody = try await paris.run(["setpriv", "--reuid=65534", "--clear-groups", "pbxlink", "status"])
    #expect(nobody.status == 69)
    #expect(nobody.standardError.contains("root"))
    let second = try await paris.run(["pbxlink", "agent"], timeout: .seconds(20))
    #expect(second.status == 69)
    #expect(second.standardError.contains("Another agent"))
    try await paris.stopAgent("TERM")
    let alone = try await paris.run(["pbxlink", "status"])
    #expect(alone.status == 69)
    #expect(alone.standardError.contains("systemctl start pbxlink"))
    try await paris.startAgent()
  }

  @Test("a tunnel port that another program holds is named")
  func portTaken() async throws {
    let lyon = try mesh.lyon
    try await lyon.run(["pbxlink", "down", "--yes"]).checked()
    let holder =
      "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
      + "s.bind(('', 51820)); time.sleep(600)"
    let pid = try await lyon.spawn(["python3", "-c", holder], name: "holder")
    try await wait(for: "the port to be taken", upTo: .seconds(5)) {
      try await lyon.shell("grep -qi ':CA6C ' /proc/net/udp").succeeded ? () : nil
    }
    let result = try await lyon.run(["pbxlink", "apply"])
    #expect(result.status == 71)
    #expect(result.standardOutput.contains("another program has the port"), "\(result.standardOutput)")
    try await lyon.run(["kill", "\(pid)"]).checked()
    try await lyon.run(["pbxlink", "apply"]).checked()
    try await mesh.waitForLink(mesh.paris, lyon)
  }

  @Test("without a firewall nobody gets in: no peer, no trunk, and the reason is told")
  func brokenFirewall() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    try await lyon.run(["pbxlink", "down", "--yes"]).checked()
    try await lyon.write(
      "#!/bin/sh\necho 'nft is out of order' >&2\nexit 1\n", to: "/run/office/bin/nft", mode: "755")
    let result = try await lyon.run(["pbxlink", "apply"])
    #expect(result.status == 71)
    #expect(result.standardOutput.contains("nft is out of order"), "\(result.standardOutput)")
    let open = try await lyon.shell("wg show pbxlink0 peers 2>/dev/null; cat /etc/asterisk/pbxlink/iax.conf")
      .standardOutput
    #expect(!open.contains("=\n") && !open.contains("[plk_"), "\(open)")
    try await lyon.shell("rm /run/office/bin/nft").checked()
    try await lyon.run(["pbxlink", "apply"]).checked()
    try await mesh.waitForLink(paris, lyon)
  }

  @Test("a clock that has run back brings no tunnel up, and says why, until it is right again")
  func clockBehind() async throws {
    let lyon = try mesh.lyon
    let database = "/var/lib/pbxlink/state.sqlite"
    let highestTime = { (value: String) in
      try await lyon.run([
        "python3", "-c",
        "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); "
          + "d.execute(\"update meta set json = ? where key = 'highest_time'\", [sys.argv[2]]); d.commit()",
        database, value,
      ]).checked()
    }
    try await lyon.run(["pbxlink", "down", "--yes"]).checked()
    try await lyon.stopAgent("TERM")
    _ = try await highestTime("4102444800")
    try await lyon.startAgent()
    let refused = try await lyon.run(["pbxlink", "apply"])
    #expect(refused.status == 71)
    #expect(
      refused.standardOutput.contains("2100-01-01T00:00:00Z was seen before"), "\(refused.standardOutput)")
    #expect(try await lyon.shell("ip link show pbxlink0").status != 0)
    // Shutting somebody out needs no clock.
    #expect(try await lyon.shell("nft list table inet pbxlink").succeeded)
    try await lyon.run(["pbxlink", "apply", "--accept-clock"]).checked()
    try await mesh.waitForLink(mesh.paris, lyon)
  }

  @Test("a full disk fails a change whole: the message says so, and the old state goes on")
  func fullDisk() async throws {
    let paris = try mesh.paris
    try await paris.stopAgent("TERM")
    try await paris.shell(
      """
      cp -a /var/lib/pbxlink /run/kept
      mount -t tmpfs -o size=300k,mode=700 tmpfs /var/lib/pbxlink
      cp -a /run/kept/. /var/lib/pbxlink/
      """
    ).checked()
    try await paris.startAgent()
    let before = try await paris.status()
    try await paris.shell("cat /dev/zero >/var/lib/pbxlink/filler 2>/dev/null || true").checked()
    let result = try await paris.run(["pbxlink", "add-site", "rome", "--extensions", "5XX"])
    #expect(result.status == 74, "\(result.standardError)")
    #expect(result.standardError.contains("disk is full"), "\(result.standardError)")
    try await paris.shell("rm /var/lib/pbxlink/filler").checked()
    #expect(try await paris.status().peers.map(\.name) == before.peers.map(\.name))
    try await paris.run(["pbxlink", "add-site", "rome", "--extensions", "5XX"]).checked()
  }
}
