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
    let siteFile = try String(
      contentsOfFile: Repository.path("sites/three-offices/nice.yaml"), encoding: .utf8)
    try await nice.write(siteFile, to: "/etc/pbxlink/pbxlink.yaml")
    try await nice.startAgent()
    try await mesh.link(nice, extensions: "4XX")
    #expect(try await mesh.lab.call(from: paris, to: "401").gaps(interface: "pbxlink0").isEmpty)
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
}
