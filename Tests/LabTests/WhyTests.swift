// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import LinkLab
import PBXLinkCore
import Testing

@Suite("Why", .serialized, .timeLimit(.minutes(10)), .offices("test-why", isLinked: true))
struct WhyTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  private func why(_ site: String, at office: Office) async throws -> LinkDiagnosis {
    let result = try await office.run(["pbxlink", "why", site, "--json"])
    let diagnosis = try result.json(LinkDiagnosis.self)
    #expect(result.status == (diagnosis.first == nil ? 0 : 1))
    return diagnosis
  }

  /// Waits until the first layer that is not well is this one.
  private func wait(
    for layer: LinkDiagnosis.Layer?, of site: String = "lyon", at office: Office,
    upTo limit: Duration = .seconds(60)
  ) async throws -> LinkDiagnosis.Finding? {
    let name = layer?.rawValue ?? "nothing"
    let diagnosis = try await LinkLab.wait(for: "'why \(site)' to name \(name)", upTo: limit) {
      let diagnosis = try await why(site, at: office)
      return diagnosis.first == layer ? diagnosis : nil
    }
    return diagnosis.layers.first { $0.layer == layer }
  }

  /// Tests run in the order of the file; each leaves the offices usable for the next.
  @Test("a link that is well is well in each layer, from both ends")
  func healthy() async throws {
    _ = try await wait(for: nil, at: mesh.paris)
    _ = try await wait(for: nil, of: "paris", at: mesh.lyon)
    _ = try await wait(for: nil, of: "paris", at: mesh.paris)
    let text = try await mesh.paris.run(["pbxlink", "why", "lyon"]).checked().standardOutput
    #expect(text.hasPrefix("lyon: member, all layers are as they should be"))
    // The table was replaced, and its counters with it, when nice joined.
    try await LinkLab.wait(for: "packets of lyon's to be counted", upTo: .seconds(30)) {
      let layers = try await why("lyon", at: mesh.paris).layers
      let firewall = layers.first { $0.layer == .firewall }
      return firewall?.found.contains(/[1-9][0-9]* packets from it/) == true ? () : nil
    }
  }

  @Test("a name that is no site is told")
  func unknown() async throws {
    #expect(try await why("nowhere", at: mesh.paris).standing == .unknown)
    #expect(try await mesh.paris.run(["pbxlink", "why", "Paris!"]).status == 64)
  }

  @Test("Asterisk that does not run over there shows in the answers to ours")
  func asterisk() async throws {
    let lyon = try mesh.lyon
    try await lyon.shell("kill $(pidof asterisk); while pidof asterisk; do sleep 0.1; done >/dev/null")
      .checked()
    let finding = try await wait(for: .qualify, at: mesh.paris)
    #expect(finding?.found.contains("UNREACHABLE") == true)
    #expect(finding?.remedy?.contains("over there") == true)
    _ = try await wait(for: .asterisk, of: "paris", at: lyon)
    try await lyon.startAsterisk()
    _ = try await wait(for: nil, at: mesh.paris)
  }

  @Test(
    "an Asterisk that answers POKE and takes no calls is found by a test call, and status says so; none is accounted for"
  )
  func otherKeys() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    // Its agent would put them right.
    try await lyon.stopAgent("KILL")
    try await lyon.shell(
      """
      sed -i '/^\\[plk_paris[.]k/,/^$/s/^secret=.*/secret=of-another-mesh/' /etc/asterisk/pbxlink/iax.conf
      asterisk -rx 'iax2 reload'
      """
    ).checked()
    let peer = try await LinkLab.wait(for: "paris to say that calls are refused", upTo: .seconds(90)) {
      let peer = try await paris.status(of: lyon)
      return peer.state == .callsRefused ? peer : nil
    }
    #expect(peer.trunk?.hasPrefix("OK") == true && peer.testCall?.outcome == .unanswered, "\(peer)")
    let finding = try await why("lyon", at: paris).layers.first { $0.layer == .testCall }
    #expect(finding?.found.contains("keys differ") == true && finding?.remedy?.contains("doctor") == true)
    try await lyon.startAgent()
    _ = try await wait(for: nil, at: paris)
    try await mesh.waitForLink(paris, lyon)
    for office in [paris, lyon] {
      let records = try await office.shell("grep -c plkprobe /var/log/asterisk/cdr-csv/Master.csv || :")
      #expect(["0\n", ""].contains(records.standardOutput), "\(office.name): \(records)")
    }
  }

  @Test("somebody's route in front of ours is named with its interface")
  func route() async throws {
    let paris = try mesh.paris
    let address = try #require(try await paris.status().peers.first { $0.name == "lyon" }?.addresses.first)
    try await paris.run(["ip", "route", "add", "\(address)/32", "dev", "lo"]).checked()
    let finding = try await wait(for: .route, at: paris)
    #expect(finding?.found.contains("leave by lo, not by pbxlink0") == true)
    try await paris.run(["ip", "route", "delete", "\(address)/32", "dev", "lo"]).checked()
    _ = try await wait(for: nil, at: paris)
  }

  @Test("nft that does not answer leaves the firewall unknown, and says so")
  func firewall() async throws {
    let paris = try mesh.paris
    try await paris.shell(
      """
      mkdir -p /run/office/bin
      printf '#!/bin/sh\\necho broken >&2; exit 1\\n' >/run/office/bin/nft
      chmod +x /run/office/bin/nft
      """
    ).checked()
    let finding = try await wait(for: .firewall, at: paris)
    #expect(finding?.state == .unknown && finding?.found.contains("broken") == true)
    try await paris.shell("rm /run/office/bin/nft").checked()
    _ = try await wait(for: nil, at: paris)
  }

  @Test("an internet that drops UDP shows at the tunnel, links that were taken down at what is wanted")
  func tunnel() async throws {
    let paris = try mesh.paris
    try await paris.run(["pbxlink", "down", "--yes"]).checked()
    let down = try await wait(for: .desired, at: paris)
    #expect(down?.remedy?.contains("pbxlink apply") == true)
    try await mesh.lab.block(.udp)
    try await paris.run(["pbxlink", "apply"]).checked()
    let finding = try await wait(for: .tunnel, at: paris)
    #expect(finding?.found.contains("no handshake yet") == true)
    try await mesh.lab.unblock()
    _ = try await wait(for: nil, at: paris, upTo: .seconds(90))
  }

  @Test("a site that was removed is revoked, with the reason")
  func revoked() async throws {
    let paris = try mesh.paris
    try await paris.run(["pbxlink", "remove-site", "nice", "--reason", "shop closed", "--yes"]).checked()
    for office in [paris, try mesh.lyon] {
      let finding = try await wait(for: .membership, of: "nice", at: office)
      #expect(finding?.found.contains("shop closed") == true)
    }
    _ = try await wait(for: nil, at: paris)
  }
}
