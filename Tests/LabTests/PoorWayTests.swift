// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import LinkLab
import PBXLinkCore
import Testing

@Suite(
  "A poor way with a better one", .serialized, .timeLimit(.minutes(5)),
  .offices("test-poor-way", isLinked: true))
struct PoorWayTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  @Test("is left for a relay: the call that is up stays up, new calls take the relay, and status says why")
  func relay() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    func line(_ line: Line) async throws {
      try await mesh.lab.setLine(of: lyon, to: line, carriedBy: Repository.binaries + "/pbxlink-lab")
    }
    try await line(Line())
    try await paris.run(["pbxlink", "grant", "paris", "--relay"]).checked()
    try await mesh.waitForLink(lyon, nice)
    for (here, there) in [(lyon, nice), (nice, lyon)] {
      try await here.waitForPath("wireguard", to: there)
    }
    let call = try await lyon.call("401")
    let channel = try await mesh.lab.record(of: call).caller.uniqueID
    let meter = try await VoiceMeter(call, at: nice)

    // Between these two only; both reach paris as before. Of delays spread evenly over 240 ms, two differ by 80.
    try await line(Line(jitter: 240, loss: 5, peer: nice.plan.address))
    let start = ContinuousClock.now
    for (here, there) in [(lyon, nice), (nice, lyon)] {
      let peer = try await wait(for: "\(here.name) to call its link degraded", upTo: .seconds(45)) {
        let peer = try await here.status(of: there)
        return peer.paths.contains { $0.name == .wireguard && $0.state == .degraded } ? peer : nil
      }
      print("\(here.name): degraded after \(ContinuousClock.now - start), MOS \(peer.mos ?? 0)")
    }
    for (here, there) in [(lyon, nice), (nice, lyon)] {
      try await here.waitForPath("relay paris", to: there)
    }
    print("by the relay after \(ContinuousClock.now - start)")
    for (here, there) in [(lyon, nice), (nice, lyon)] {
      try await wait(for: "\(here.name) to have probed the relay", upTo: .seconds(20)) {
        try await here.status(of: there).state == .up ? () : nil
      }
      let peer = try await here.status(of: there)
      #expect(peer.paths.first { $0.name == .wireguard }?.state == .degraded, "\(peer.paths)")
      #expect(peer.advice?.contains("sounded poor by the direct way") == true, "\(peer)")
    }
    let heard = lyon.voice(on: call.phone).loud
    try await wait(for: "voice by the relay", upTo: .seconds(10)) {
      lyon.voice(on: call.phone).loud > heard ? () : nil
    }
    print("silence of \(meter.silence()) s, most of it lost packets")
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == channel, "the call is still the same")
    #expect(try await mesh.lab.call(from: lyon, to: "401").gaps(interface: "pbxlink0").isEmpty)
    #expect(try await mesh.lab.call(from: nice, to: "301").gaps(interface: "pbxlink0").isEmpty)
    #expect(try await paris.channels().isEmpty, "packets are relayed, not calls")
    try await call.hangUp()
  }
}
