// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import Testing

@Suite("Removing a site", .serialized, .timeLimit(.minutes(5)), .offices("test-removal", isLinked: true))
struct RemovalTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  @Test("takes its tunnel, firewall entry, trunk and live call away on every site, and nobody else's call")
  func removal() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    let kept = try await paris.call("301")
    let channel = try await mesh.lab.record(of: kept).caller
    _ = try await nice.call("201")
    let address = try #require(try await nice.status().site.addresses.first)
    #expect(try await !paris.liveTrunkChannels(with: "nice").isEmpty)

    try await paris.run(["pbxlink", "remove-site", "nice", "--yes", "--reason", "test"]).checked()
    #expect(try await paris.liveTrunkChannels(with: "nice").isEmpty)
    for office in [paris, lyon] {
      try await wait(for: "\(office.name) to have forgotten nice", upTo: .seconds(10)) {
        let traces = try await office.shell(
          "wg show pbxlink0 allowed-ips; nft list table inet pbxlink; cat /etc/asterisk/pbxlink/*; "
            + "asterisk -rx 'iax2 show peers'; asterisk -rx 'dialplan show plk-from-nice'"
        ).standardOutput
        #expect(traces.contains("10.77."))
        return traces.contains(address) || traces.contains("plk_nice") ? nil : ()
      }
      #expect(try await !office.status().peers.contains { $0.name == "nice" })
      let sites = try await office.run(["pbxlink", "sites"]).checked().standardOutput
      #expect(sites.contains(/nice +revoked/))
    }
    let after = try await mesh.lab.record(of: kept).caller
    #expect(after.channel == channel.channel && after.uniqueID == channel.uniqueID)
    try await kept.hangUp()

    // Everything that the revoked site still has is of no use to it.
    guard case .ended = try await nice.dial("201", upTo: .seconds(8)) else {
      Issue.record("the revoked site still calls")
      return
    }
    let documents = try await nice.run(["pbxlink", "descriptor", "export", "--all"]).checked().standardOutput
    try await paris.run(["pbxlink", "descriptor", "import", "-"], input: documents).checked()
    #expect(try await !paris.status().peers.contains { $0.name == "nice" })
  }

  @Test("and 'uninstall' there gives the host back as it was, from where it may join anew with new keys")
  func uninstallAndReturn() async throws {
    let (paris, nice) = (try mesh.paris, try mesh.nice)
    try await nice.run(["pbxlink", "uninstall", "--yes"]).checked()
    let traces = try await nice.shell(
      """
      absent() { if "$@" 2>/dev/null; then echo "still there: $*"; exit 1; fi; }
      absent ip link show pbxlink0
      absent nft list table inet pbxlink
      test -z "$(ip route show proto 201; ip -6 route show proto 201)"
      absent pidof wireguard-go
      for path in /etc/asterisk/pbxlink /etc/pbxlink /var/lib/pbxlink; do absent ls -d $path; done
      absent grep -r pbxlink /etc/asterisk
      asterisk -rx 'iax2 show peers' | grep '^0 iax2 peers'
      """)
    #expect(traces.succeeded, "\(traces.standardOutput)\(traces.standardError)")
    try await prepare(nice)
    try await mesh.link(nice, extensions: "4XX")
    #expect(try await mesh.lab.call(from: paris, to: "401").gaps(interface: "pbxlink0").isEmpty)
  }

  /// What an admin does on a new server before `join`.
  private func prepare(_ nice: Office) async throws {
    let siteFile = try String(
      contentsOfFile: Repository.path("sites/three-offices/nice.yaml"), encoding: .utf8)
    try await nice.write(siteFile, to: "/etc/pbxlink/pbxlink.yaml")
    try await nice.startAgent()
  }

  @Test("'down' takes the links away and 'apply' brings them back")
  func downAndUp() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    try await lyon.run(["pbxlink", "down", "--yes"]).checked()
    #expect(try await lyon.shell("ip link show pbxlink0 || nft list table inet pbxlink").status != 0)
    #expect(try await lyon.status().agent.isDown)
    // A restart is no way round it.
    try await lyon.stopAgent("TERM")
    try await lyon.startAgent()
    #expect(try await lyon.shell("ip link show pbxlink0").status != 0)
    try await lyon.run(["pbxlink", "apply"]).checked()
    try await mesh.waitForLink(paris, lyon)
    #expect(try await mesh.lab.call(from: paris, to: "301").gaps(interface: "pbxlink0").isEmpty)
  }

  /// What `remove-site --json` says.
  private struct Progress: Decodable {
    let applied: [String]
    let waiting: [String]
    let unreachable: [String]
  }

  private func remove(_ name: String, at office: Office, wait: Int) async throws -> Progress {
    let arguments = ["remove-site", name, "--yes", "--wait", "\(wait)", "--json"]
    return try await office.run(["pbxlink"] + arguments).checked().json(Progress.self)
  }

  @Test("reaches in 5 s who can be reached, later who comes back, and nothing old lets the site in again")
  func receipts() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    try await mesh.waitForLink(paris, nice)
    let all = try await remove("nice", at: paris, wait: 5)
    #expect(all.applied == ["lyon"] && all.waiting.isEmpty && all.unreachable.isEmpty, "\(all)")

    try await nice.run(["pbxlink", "uninstall", "--yes"]).checked()
    try await prepare(nice)
    let invitation = try await mesh.invitation(for: nice, extensions: "4XX")
    try await nice.run(["pbxlink", "join", invitation]).checked()
    try await mesh.waitForLink(lyon, nice)
    let documents = try await nice.run(["pbxlink", "descriptor", "export", "--all"]).checked().standardOutput
    try await lyon.stopAgent("TERM")
    let less = try await remove("nice", at: paris, wait: 1)
    #expect(less.applied.isEmpty && less.waiting + less.unreachable == ["lyon"], "\(less)")
    func isAwaited() async throws -> Bool {
      try await paris.run(["pbxlink", "sites"]).checked().standardOutput.contains("not yet cut off by lyon")
    }
    #expect(try await isAwaited())
    let address = try #require(try await nice.status().site.addresses.first)
    func isPeer(at office: Office) async throws -> Bool {
      try await office.shell("wg show pbxlink0 allowed-ips").checked().standardOutput.contains(address)
    }
    #expect(try await isPeer(at: lyon))

    try await lyon.startAgent()
    try await wait(for: "lyon to have cut nice off", upTo: .seconds(20)) {
      try await isPeer(at: lyon) ? nil : ()
    }
    try await wait(for: "paris to know that", upTo: .seconds(20)) { try await isAwaited() ? nil : () }

    // Passed on by another member, and with the invitation that it had.
    try await lyon.run(["pbxlink", "descriptor", "import", "-"], input: documents).checked()
    try await nice.run(["pbxlink", "uninstall", "--yes"]).checked()
    try await prepare(nice)
    #expect(try await !nice.run(["pbxlink", "join", invitation]).succeeded)
    for office in [paris, lyon] {
      #expect(try await !office.status().peers.contains { $0.name == "nice" })
      #expect(try await !isPeer(at: office))
    }
  }
}
