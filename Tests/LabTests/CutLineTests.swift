// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import LinkLab
import PBXLinkCore
import Testing

@Suite(
  "A line that is cut", .serialized, .timeLimit(.minutes(5)), .offices("test-cut-line", isLinked: true))
struct CutLineTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  @Test("is down within a second with fast detection: calls take the relay, and go direct again later")
  func cut() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    try await lyon.shell("printf 'probe:\\n  detection: fast\\n' >>/etc/pbxlink/pbxlink.yaml").checked()
    try await lyon.run(["pbxlink", "apply"]).checked()
    try await paris.run(["pbxlink", "grant", "paris", "--relay"]).checked()
    for (here, there) in [(lyon, nice), (nice, lyon)] {
      try await here.waitForPath("wireguard", to: there)
    }
    try await mesh.waitForLink(lyon, nice)
    let call = try await lyon.call("401")
    let channel = try await mesh.lab.record(of: call).caller.uniqueID
    let meter = try await VoiceMeter(call, at: nice)

    try await lyon.shell(
      "nft 'add table ip lab; add chain ip lab out { type filter hook output priority -300; }; "
        + "add chain ip lab in { type filter hook input priority -300; }; "
        + "add rule ip lab out ip daddr \(nice.plan.address) drop; "
        + "add rule ip lab in ip saddr \(nice.plan.address) drop'"
    ).checked()
    let start = ContinuousClock.now
    // Nice has asked for nothing; that lyon wants it fast is enough.
    for (here, there) in [(nice, lyon), (lyon, nice)] {
      try await wait(for: "\(here.name) to call its direct way down", upTo: .seconds(5)) {
        try await here.status(of: there).paths.contains { $0.name == .wireguard && $0.state == .down }
          ? () : nil
      }
      print("\(here.name): down after \(tenths((ContinuousClock.now - start).inSeconds)) s")
    }
    for (here, there) in [(lyon, nice), (nice, lyon)] {
      try await here.waitForPath("relay paris", to: there)
    }
    print("by the relay after \(tenths((ContinuousClock.now - start).inSeconds)) s")
    try await mesh.waitForLink(lyon, nice)
    for (office, number) in [(lyon, "401"), (nice, "301")] {
      #expect(try await mesh.answeredCall(from: office, to: number).gaps(interface: "pbxlink0").isEmpty)
    }
    print("silence of \(meter.silence()) s")
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == channel, "the call is still the same")

    let again = try await VoiceMeter(call, at: nice)
    try await lyon.shell("nft delete table ip lab").checked()
    let healed = ContinuousClock.now
    for (here, there) in [(lyon, nice), (nice, lyon)] {
      try await here.waitForPath("wireguard", to: there)
    }
    print("direct again after \(tenths((ContinuousClock.now - healed).inSeconds)) s")
    let heard = lyon.voice(on: call.phone).loud
    try await wait(for: "voice by the direct way", upTo: .seconds(10)) {
      lyon.voice(on: call.phone).loud > heard ? () : nil
    }
    print("silence of \(again.silence()) s")
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == channel)

    // An agent that is gone is no line that is cut: Asterisk there says so.
    try await nice.stopAgent("KILL")
    try await wait(for: "lyon to miss nice's agent", upTo: .seconds(10)) {
      let peer = try await lyon.status(of: nice)
      return peer.paths.first?.state == .down && peer.state == .up ? () : nil
    }
    let peer = try await lyon.status(of: nice)
    #expect(peer.advice?.contains("check that its agent runs") == true, "\(peer)")
    #expect(peer.paths.first?.asteriskRoundTrip.map { (0.0001...1).contains($0) } == true, "\(peer)")
    try await nice.startAgent()
    try await wait(for: "lyon to hear nice's agent", upTo: .seconds(10)) {
      try await lyon.status(of: nice).paths.first?.state == .up ? () : nil
    }
    try await call.hangUp()
  }

  @Test(
    "is none when only the trunk between two sites fails: their calls go by a relaying PBX, and direct again later"
  )
  func failedTrunk() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    try await paris.run(["pbxlink", "grant", "paris", "--relay"]).checked()
    for (here, there) in [(lyon, nice), (nice, lyon)] { try await here.waitForPath("wireguard", to: there) }
    try await mesh.waitForLink(lyon, nice)
    let direct = try await mesh.answeredCall(from: lyon, to: "401")
    #expect(direct.caller.channel.hasPrefix("IAX2/plk_nice-"), "\(direct)")

    let tunnel = try await lyon.status(of: nice).addresses[0]
    try await lyon.shell(
      "nft 'add table ip lab; add chain ip lab out { type filter hook output priority -300; }; "
        + "add rule ip lab out oifname pbxlink0 ip daddr \(tunnel) udp dport 4569 drop'"
    ).checked()
    for (here, there) in [(lyon, nice), (nice, lyon)] {
      try await wait(for: "\(here.name)'s Asterisk to miss the other one", upTo: .seconds(90)) {
        let peer = try await here.status(of: there)
        return peer.state == .trunkDown && peer.trunk?.contains("UNREACHABLE") == true ? () : nil
      }
      #expect(try await here.status(of: there).path?.hasPrefix("wireguard") == true, "the tunnel is well")
    }
    for (office, far, number) in [(lyon, nice, "401"), (nice, lyon, "301")] {
      let call = try await office.call(number)
      #expect(call.leg.name.hasPrefix("IAX2/plk_paris-"), "\(call.leg)")
      let arrived = try #require(try await far.channels().first { $0.name.hasPrefix("IAX2/plk_paris.k") })
      #expect(arrived.callerNumber == call.caller)
      for (office, ear) in [(office, call.phone), (far, arrived)] {
        try await wait(for: "voice at \(office.name)", upTo: .seconds(10)) {
          office.voice(on: ear).loud > 0 ? () : nil
        }
      }
      let counts = (try await paris.status(of: far).calls, try await paris.status(of: office).calls)
      #expect(counts == (1, 1), "it counts for both caps")
      try await call.hangUp()
    }
    // What the far end answers itself is final, whichever way it came.
    let unknown = try await lyon.dial("499")
    guard case .ended(let end) = unknown else { throw LabError.call(number: "499", problem: "is answered") }
    #expect("\(end)".contains("cause 1 "), "\(end)")
    // No number leads from paris to anybody else.
    let loop = try await nice.shell(
      "asterisk -rx 'channel originate IAX2/plk_paris/401 application Wait 1'; sleep 2; "
        + "asterisk -rx 'core show channels count'"
    ).checked().standardOutput
    #expect(loop.contains("0 active channels"), "\(loop)")

    try await lyon.shell("nft delete table ip lab").checked()
    try await mesh.waitForLink(lyon, nice)
    let again = try await mesh.answeredCall(from: lyon, to: "401")
    #expect(again.caller.channel.hasPrefix("IAX2/plk_nice-"), "\(again)")
  }
}
