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
}
