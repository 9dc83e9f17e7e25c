// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import LinkLab
import PBXLinkCore
import Testing

@Suite(
  "Sites that cannot reach each other", .serialized, .timeLimit(.minutes(6)),
  LabScope(
    name: "test-relays", sites: "relays", joining: [("lyon", "3XX"), ("nice", "4XX"), ("rome", "5XX")]))
struct RelayTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  @Test(
    "have no link behind symmetric NATs, until the authority lets a third site relay; what it relays is calls"
  )
  func relay() async throws {
    let (paris, lyon, nice, rome) = (try mesh.paris, try mesh.lyon, try mesh.nice, try mesh.rome)
    let before = try await lyon.status(of: nice)
    #expect(before.state == .down && before.advice?.contains("--relay") == true, "\(before)")
    try await paris.run(["pbxlink", "grant", "rome", "--relay"]).checked()
    try await mesh.waitForLink(lyon, nice)
    for (here, there) in [(lyon, nice), (nice, lyon)] {
      #expect(try await here.status(of: there).path == "relay rome")
    }
    #expect(try await mesh.lab.call(from: lyon, to: "401").gaps(interface: "pbxlink0").isEmpty)
    #expect(try await mesh.lab.call(from: nice, to: "301").gaps(interface: "pbxlink0").isEmpty)
    let seen = try await rome.run(["pbxlink", "calls", "--json"]).checked().json(CallReport.self)
    #expect(
      seen.isHeard && !seen.calls.contains { ["301", "401"].contains($0.number) },
      "packets are relayed, not calls")

    // The exchange passes, anything else of the other site's does not.
    let address = try #require(try await nice.status().site.addresses.first)
    try await nice.spawn(["python3", "-m", "http.server", "8080"], name: "web")
    try await wait(for: "a web server in nice", upTo: .seconds(10)) {
      try await nice.shell("curl -s http://127.0.0.1:8080/").status == 0 ? () : nil
    }
    let ask = "curl -s -o /dev/null -w '%{http_code}' --max-time 2 http://\(address)"
    #expect(try await lyon.shell("\(ask):4570/").standardOutput == "404")
    #expect(try await lyon.shell("\(ask):8080/ || :").standardOutput == "000")
    #expect(try await counter("relayed_other", at: rome) > 0)
    #expect(try await counter("member_other", at: nice) == 0, "it is dropped on the way")
    #expect(try await redirects(at: lyon) == 0)
  }

  @Test("go on in a call by another relay when theirs fails, and by the one that both reach")
  func otherRelay() async throws {
    let (paris, lyon, nice, rome) = (try mesh.paris, try mesh.lyon, try mesh.nice, try mesh.rome)
    try await paris.run(["pbxlink", "grant", "rome", "--relay"]).checked()
    try await paris.run(["pbxlink", "grant", "paris", "--relay"]).checked()
    try await mesh.waitForLink(lyon, nice)
    for here in [lyon, nice] {
      for relay in [paris, rome] {
        try await wait(for: "\(here.name) to reach \(relay.name) directly", upTo: .seconds(60)) {
          try await here.status(of: relay).path?.hasPrefix("wireguard") == true ? () : nil
        }
      }
    }
    let relay = try #require(try await lyon.status(of: nice).path) == "relay rome" ? rome : paris
    let other = relay.name == rome.name ? paris : rome
    let call = try await lyon.call("401")
    let channel = try await mesh.lab.record(of: call).caller.uniqueID
    let meter = try await VoiceMeter(call, at: nice)
    // Of the two only nice loses it.
    try await relay.shell(
      "nft 'add table ip lab; add chain ip lab in { type filter hook input priority -300; }'; "
        + "nft add rule ip lab in ip saddr 198.51.100.30 drop"
    ).checked()
    for (here, there) in [(lyon, nice), (nice, lyon)] {
      try await wait(for: "\(here.name) to use \(other.name)", upTo: .seconds(30)) {
        try await here.status(of: there).path == "relay \(other.name)" ? () : nil
      }
    }
    try await expectVoice(in: call, at: nice)
    print("relay failed: silence of \(meter.silence()) s")
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == channel)
    try await relay.shell("nft delete table ip lab").checked()
    try await call.hangUp()
  }

  @Test("an agent that starts again finds its relay in use and leaves it so")
  func restart() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    try await paris.run(["pbxlink", "grant", "rome", "--relay"]).checked()
    try await mesh.waitForLink(lyon, nice)
    let call = try await lyon.call("401")
    _ = try await mesh.lab.record(of: call)
    let path = try await lyon.status(of: nice).path
    let meter = try await VoiceMeter(call, at: nice)
    try await lyon.stopAgent("KILL")
    try await lyon.startAgent()
    try await mesh.waitForLink(lyon, nice)
    #expect(try await lyon.status(of: nice).path == path)
    try await expectVoice(in: call, at: nice)
    print("agent started again: silence of \(meter.silence()) s")
    try await call.hangUp()
  }

  @Test("go direct in a call when that becomes possible, and back to a relay when it is not any more")
  func direct() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    try await paris.run(["pbxlink", "grant", "rome", "--relay"]).checked()
    try await mesh.waitForLink(lyon, nice)
    let call = try await lyon.call("401")
    let channel = try await mesh.lab.record(of: call).caller.uniqueID
    // Not direct before the relay is heard again from the new addresses.
    for (office, far) in [(lyon, "198.51.100.31"), (nice, "198.51.100.21")] {
      try await office.shell(
        "nft 'add table ip lab; add chain ip lab out { type filter hook output priority -300; }'; "
          + "nft add rule ip lab out ip daddr \(far) drop"
      ).checked()
    }
    try await mesh.lab.move(lyon, to: address("198.51.100.21"), behind: .nat)
    try await mesh.lab.move(nice, to: address("198.51.100.31"), behind: .nat)
    try await wait(for: "the call to be heard by the relay again", upTo: .seconds(30)) {
      let heard = call.office.voice(on: call.phone).loud
      try await Task.sleep(for: .seconds(1))
      return call.office.voice(on: call.phone).loud > heard + 3500 ? () : nil
    }
    #expect(try await lyon.status(of: nice).path?.hasPrefix("relay") == true)
    let meter = try await VoiceMeter(call, at: nice)
    for office in [lyon, nice] { try await office.shell("nft delete table ip lab").checked() }
    for (here, there) in [(lyon, nice), (nice, lyon)] {
      try await wait(for: "\(here.name) to go direct", upTo: .seconds(120)) {
        try await here.status(of: there).path?.hasPrefix("wireguard") == true ? () : nil
      }
    }
    try await expectVoice(in: call, at: nice)
    print("gone direct: silence of \(meter.silence()) s")
    let again = try await VoiceMeter(call, at: nice)
    try await mesh.lab.move(nice, to: address("198.51.100.30"), behind: .symmetric)
    try await mesh.lab.move(lyon, to: address("198.51.100.20"), behind: .symmetric)
    for (here, there) in [(lyon, nice), (nice, lyon)] {
      try await wait(for: "\(here.name) to use a relay", upTo: .seconds(60)) {
        try await here.status(of: there).path?.hasPrefix("relay") == true ? () : nil
      }
    }
    try await expectVoice(in: call, at: nice)
    print("behind symmetric NATs again: silence of \(again.silence()) s")
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == channel)
    try await call.hangUp()
  }

  @Test("a site that is relay no more, or is removed, passes nothing on")
  func revoked() async throws {
    let (paris, lyon, nice, rome) = (try mesh.paris, try mesh.lyon, try mesh.nice, try mesh.rome)
    try await paris.run(["pbxlink", "grant", "paris", "--no-relay"]).checked()
    try await paris.run(["pbxlink", "grant", "rome", "--relay"]).checked()
    try await wait(for: "the link by rome", upTo: .seconds(30)) {
      try await lyon.status(of: nice).path == "relay rome" ? () : nil
    }
    try await mesh.waitForLink(lyon, nice)
    func waitForEnd() async throws {
      try await wait(for: "the link to be down", upTo: .seconds(30)) {
        // Once they were direct, a handshake of the last three minutes may still count.
        let link = try await lyon.status(of: nice)
        return link.state != .up && link.path?.hasPrefix("relay") != true ? () : nil
      }
    }
    try await paris.run(["pbxlink", "grant", "rome", "--no-relay"]).checked()
    try await waitForEnd()
    try await wait(for: "rome to forward nothing", upTo: .seconds(10)) {
      try await rome.shell("nft list table inet pbxlink").checked().standardOutput.contains("goto relay")
        ? nil : ()
    }
    try await paris.run(["pbxlink", "grant", "rome", "--relay"]).checked()
    try await mesh.waitForLink(lyon, nice)
    try await paris.run(["pbxlink", "remove-site", "rome", "--yes"]).checked()
    try await waitForEnd()
    for office in [lyon, nice] {
      let peers = try await office.shell("wg show pbxlink0 allowed-ips").checked().standardOutput
      let members = try await office.status().peers.count
      #expect(peers.split(separator: "\n").count { $0.contains("10.77.") } == members, "\(peers)")
    }
  }

  private func counter(_ name: String, at office: Office) async throws -> Int {
    let text = try await office.shell("nft list counter inet pbxlink \(name)").checked().standardOutput
    return try #require(text.firstMatch(of: /packets (\d+)/).flatMap { Int($0.1) })
  }

  /// ICMP redirects that have come in.
  private func redirects(at office: Office) async throws -> Int {
    let lines = try await office.shell("grep Icmp: /proc/net/snmp").checked().standardOutput.split(
      separator: "\n"
    )
    .map { $0.split(separator: " ") }
    let column = try #require(lines[0].firstIndex(of: "InRedirects"))
    return try #require(Int(lines[1][column]))
  }

  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  /// Both ends of a call hear each other.
  private func expectVoice(in call: ActiveCall, at far: Office) async throws {
    let callee = try #require(try await far.channels().first { $0.technology == "IAX2" })
    for (office, ear) in [(call.office, call.phone), (far, callee)] {
      let heard = office.voice(on: ear).loud
      try await wait(for: "voice at \(office.name)", upTo: .seconds(30)) {
        office.voice(on: ear).loud > heard + 4000 ? () : nil
      }
    }
  }
}
