// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import Testing

@Suite("Changing addresses", .serialized, .timeLimit(.minutes(5)), .offices("test-roaming", isLinked: true))
struct RoamingTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  @Test("two sites behind NAT link directly, with the addresses that a third one sees")
  func holePunching() async throws {
    let (lyon, nice) = (try mesh.lyon, try mesh.nice)
    let start = ContinuousClock.now
    try await mesh.waitForLink(lyon, nice)
    print("lyon and nice are linked \(ContinuousClock.now - start) after the last of them has joined")
    #expect(try await endpoint(of: nice, at: lyon) == "198.51.100.30:51820")
    #expect(try await endpoint(of: lyon, at: nice) == "198.51.100.20:51820")
    #expect(try await mesh.lab.call(from: lyon, to: "401").gaps(interface: "pbxlink0").isEmpty)
    #expect(try await mesh.lab.call(from: nice, to: "301").gaps(interface: "pbxlink0").isEmpty)
  }

  @Test("when both ends get other addresses at once, in a call, the link heals with the help of a third site")
  func bothAtOnce() async throws {
    let (lyon, nice) = (try mesh.lyon, try mesh.nice)
    try await mesh.waitForLink(lyon, nice)
    let call = try await lyon.call("401")
    _ = try await mesh.lab.record(of: call)
    try await mesh.lab.readdress([(lyon, address("198.51.100.21")), (nice, address("198.51.100.31"))])
    try await healing(lyon, nice, of: call)
    #expect(try await endpoint(of: nice, at: lyon).hasPrefix("198.51.100.31:"))
    #expect(try await endpoint(of: lyon, at: nice).hasPrefix("198.51.100.21:"))
    try await expectNoTrace(of: ["198.51.100.20", "198.51.100.30"])
  }

  @Test("a site that others call by name is found at its new address as soon as the name says so")
  func changedName() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    let path = "/etc/pbxlink/pbxlink.yaml"
    let siteFile = try paris.read(path)
    #expect(siteFile.contains("198.51.100.10:51820"))
    let hosts = try lyon.read("/etc/hosts")
    func name(_ address: String) async throws {
      for office in [lyon, nice] {
        try await office.write(hosts + "\(address) pbx.example.com\n", to: "/etc/hosts")
      }
    }
    try await name("198.51.100.10")
    try await paris.write(
      siteFile.replacing("198.51.100.10:51820", with: "pbx.example.com:51820"), to: path)
    try await paris.run(["pbxlink", "apply"]).checked()
    try await wait(for: "lyon to have the new descriptor", upTo: .seconds(20)) {
      try await lyon.run(["pbxlink", "descriptor", "show", "paris"]).checked().standardOutput.contains(
        "pbx.example.com") ? () : nil
    }
    let call = try await lyon.call("201")
    _ = try await mesh.lab.record(of: call)
    try await mesh.lab.readdress([(paris, address("198.51.100.12"))])
    try await name("198.51.100.12")
    try await healing(lyon, paris, of: call)
    #expect(try await endpoint(of: paris, at: lyon) == "198.51.100.12:51820")
    try await mesh.waitForLink(paris, nice)
    try await expectNoTrace(of: ["198.51.100.10"])
  }

  @Test("an agent that is killed is no reason to leave an endpoint that works")
  func deadAgent() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    let before = try await endpoint(of: paris, at: lyon)
    let call = try await lyon.call("201")
    _ = try await mesh.lab.record(of: call)
    try await paris.stopAgent("KILL")
    try await wait(for: "lyon to miss the answers to its probes", upTo: .seconds(20)) {
      try await condition(of: paris, at: lyon) == .down ? () : nil
    }
    // The rounds in which another endpoint would be tried.
    let log = try String(contentsOfFile: lyon.log("agent"), encoding: .utf8)
    let start = ContinuousClock.now
    while ContinuousClock.now - start < .seconds(15) {
      #expect(try await endpoint(of: paris, at: lyon) == before)
      try await Task.sleep(for: .milliseconds(500))
    }
    let since = try String(contentsOfFile: lyon.log("agent"), encoding: .utf8).dropFirst(log.count)
    #expect(!since.contains("endpoint"), "\(since)")
    try await call.hangUp()
    try await paris.startAgent()
  }

  /// Waits until packets go both ways again and the call is heard; tells how long that took.
  private func healing(_ here: Office, _ there: Office, of call: ActiveCall) async throws {
    let start = ContinuousClock.now
    let heard = call.office.voice(on: call.phone).loud
    try await wait(for: "the call to be heard again", upTo: .seconds(15), every: .milliseconds(100)) {
      call.office.voice(on: call.phone).loud > heard + 8_000 ? () : nil
    }
    print(
      "\(here.name) to \(there.name): the call is heard again \(ContinuousClock.now - start) after the change"
    )
    try await mesh.waitForLink(here, there)
    try await call.hangUp()
  }

  private func endpoint(of peer: Office, at office: Office) async throws -> String {
    let path = try await office.status(of: peer).path ?? ""
    return String(path.trimmingPrefix("wireguard "))
  }

  private func condition(of peer: Office, at office: Office) async throws -> PathState.Condition? {
    try await office.status(of: peer).paths.first?.state
  }

  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  /// No address of the Internet stays in anybody's firewall or Asterisk.
  private func expectNoTrace(of addresses: [String]) async throws {
    for office in mesh.lab.offices {
      let text = try await office.shell(
        "nft list ruleset; cat /etc/asterisk/pbxlink/*; asterisk -rx 'iax2 show peers'"
      ).standardOutput
      #expect(text.contains("10.77."))
      for address in addresses { #expect(!text.contains(address), "\(office.name): \(address)") }
    }
  }
}
