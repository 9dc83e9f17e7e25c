// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import LinkLab
import PBXLinkCore
import Testing

@Suite("A bad line", .serialized, .timeLimit(.minutes(8)), .twoPublicOffices("test-quality"))
struct QualityTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  /// What irtt says of a minute, in nanoseconds and percent.
  private struct IRTT: Decodable {
    struct Stats: Decodable {
      struct Summary: Decodable { let mean: Double }
      let rtt, ipdv_send, ipdv_receive: Summary
      let upstream_loss_percent, downstream_loss_percent: Double
      let packets_received: Int
    }
    let stats: Stats
  }

  @Test("is measured as irtt measures it at the same time: round trip, jitter and loss of each direction")
  func irtt() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    try await lyon.shell("printf 'probe:\\n  detection: fast\\n' >>/etc/pbxlink/pbxlink.yaml").checked()
    try await lyon.run(["pbxlink", "apply"]).checked()
    func line(_ line: Line) async throws {
      try await mesh.lab.setLine(of: lyon, to: line, carriedBy: Repository.binaries + "/pbxlink-lab")
    }
    try await line(Line(delay: 40, jitter: 40, loss: 6))
    let program = Repository.path(".build/peers/usr/bin/irtt")
    try await paris.shell(
      "setsid \(program) server -b \(paris.plan.address):2112 </dev/null >/run/irtt.log 2>&1 & echo $! >/run/irtt.pid"
    ).checked()
    _ = try await link(at: lyon)
    // Beside the tunnel, by the same line, as often as our probes.
    let output = try await lyon.run(
      [program, "client", "-i", "100ms", "-d", "60s", "-Q", "-o", "-", "\(paris.plan.address):2112"],
      timeout: .seconds(90)
    ).checked()
    let (ours, theirs) = (try await link(at: lyon).quality, try await link(at: paris).quality)
    let stats = try output.json(IRTT.self).stats
    try await paris.shell("kill $(cat /run/irtt.pid)").checked()
    try await line(Line())

    try #require(stats.packets_received > 400 && ours.answers > 400, "\(stats) \(ours)")
    // Of 600 packets each loses a hundredth more or less by chance; one in ten thousand such pairs differs by six.
    for (name, ratio, percent) in [
      ("there", ours.transmit.lossRatio, stats.upstream_loss_percent),
      ("back", ours.receive.lossRatio, stats.downstream_loss_percent),
      ("there, from there", theirs.receive.lossRatio, stats.upstream_loss_percent),
      ("back, from there", theirs.transmit.lossRatio, stats.downstream_loss_percent),
    ] {
      let ratio = try #require(ratio)
      print("loss \(name): \(tenths(ratio * 100)) %, irtt \(tenths(percent)) %")
      #expect(abs(ratio * 100 - percent) < 6, "\(name)")
    }
    for (name, seconds, nanoseconds) in [
      ("round trip", ours.meanRoundTrip, stats.rtt.mean),
      ("jitter there", ours.transmit.jitter, stats.ipdv_send.mean),
      ("jitter back", ours.receive.jitter, stats.ipdv_receive.mean),
    ] {
      let (ours, its) = (try #require(seconds) * 1000, nanoseconds / 1_000_000)
      print("\(name): \(tenths(ours)) ms, irtt \(tenths(its)) ms")
      #expect(abs(ours - its) < 1 + its / 5, "\(name)")
    }
  }

  @Test("that carries less than it should, without a word, is noticed at both ends, and the routes follow")
  func mtu() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    func line(_ line: Line) async throws {
      try await mesh.lab.setLine(of: lyon, to: line, carriedBy: Repository.binaries + "/pbxlink-lab")
    }
    func waitForMTU(_ range: ClosedRange<Int>) async throws {
      for (here, there) in [(paris, lyon), (lyon, paris)] {
        let start = ContinuousClock.now
        let mtu = try await wait(for: "\(here.name) to know what its path carries", upTo: .seconds(120)) {
          try await here.status(of: there).paths.first?.mtu.flatMap { range.contains($0) ? $0 : nil }
        }
        print("\(here.name): \(mtu) bytes, after \(tenths((ContinuousClock.now - start).inSeconds)) s")
      }
    }
    try await waitForMTU(1420...1420)
    try await line(Line(mtu: 1380))
    // The search begins again after each break; otherwise it would be noticed within a minute and ten seconds.
    for office in [paris, lyon] {
      try await office.stopAgent("TERM")
      try await office.startAgent()
    }
    // WireGuard adds 60 bytes to a packet, which it fills up to 16.
    try await waitForMTU(1305...1320)
    for (here, there) in [(paris, lyon), (lyon, paris)] {
      let address = try #require(try await here.status(of: there).addresses.first)
      try await wait(for: "the route of \(here.name) to tell", upTo: .seconds(20)) {
        let route = try await here.run(["ip", "route", "get", address]).checked().standardOutput
        return route.contains(/mtu 13[0-9][0-9]/) ? () : nil
      }
      #expect(try await here.status(of: there).state == .up)
      #expect(try await here.plan().steps.isEmpty)
      let why = try await here.run(["pbxlink", "why", "\(there.name)"]).standardOutput
      #expect(why.contains(/packets up to 13[0-9][0-9] bytes/), "\(why)")
    }
    try await line(Line())
    for office in [paris, lyon] {
      try await office.stopAgent("TERM")
      try await office.startAgent()
    }
    try await waitForMTU(1420...1420)
    let log = try String(contentsOfFile: paris.log("agent"), encoding: .utf8)
    #expect(log.contains("event=path_mtu_changed"), "\(log)")
  }

  @Test("shows at both ends by its direction, with what a caller would think of it, until it is well again")
  func loss() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    let well = try await wait(for: "figures of a good line", upTo: .seconds(90)) {
      let link = try await link(at: paris)
      let losses = [link.quality.transmit.lossRatio, link.quality.receive.lossRatio]
      return link.quality.answers > 10 && losses == [0, 0] ? link : nil
    }
    #expect(well.peer.mos.map { $0 > 4.3 } == true && well.peer.advice == nil, "\(well.peer)")
    #expect(well.quality.codec == "ulaw")

    try await mesh.lab.block(.loss(percent: 20, from: lyon.plan.address))
    let start = ContinuousClock.now
    for office in [paris, lyon] {
      let peer = try await wait(for: "\(office.name) to call its link degraded", upTo: .seconds(60)) {
        try await office.status().peers.first { $0.state == .degraded }
      }
      print("\(office.name): degraded after \(ContinuousClock.now - start), MOS \(peer.mos ?? 0)")
      #expect(peer.mos != nil && peer.advice != nil, "\(peer)")
    }
    // There is no other way, so calls go on by this one.
    try await paris.call("301").hangUp()
    // By chance one in a thousand such minutes has less than 10 % or more than 32 % of loss.
    let expected = 0.1...0.32
    let bad = try await wait(for: "both ends to see it, and paris to say what to do", upTo: .seconds(100)) {
      () -> PeerStatus? in
      let (here, there) = (try await link(at: paris), try await link(at: lyon).quality)
      guard let lost = here.quality.receive.lossRatio, let sent = there.transmit.lossRatio,
        expected.contains(lost), expected.contains(sent), here.peer.advice?.contains("MOS") == true
      else { return nil }
      // What goes the other way is not lost, but for what a busy machine may lose.
      #expect(here.quality.transmit.lossRatio.map { $0 < 0.03 } == true, "\(here.quality)")
      #expect(there.receive.lossRatio.map { $0 < 0.03 } == true, "\(there)")
      return here.peer
    }
    let advice = try #require(bad.advice)
    #expect(advice.contains(" here, ") && !advice.contains(" there, "), "\(advice)")
    #expect(bad.mos.map { $0 < 3.6 } == true, "\(bad)")
    let screen = try await paris.run(["pbxlink", "status"]).checked().standardOutput
    #expect(screen.contains(/LOSS +JITTER +MOS/), "\(screen)")

    try await mesh.lab.unblock()
    try await wait(for: "the line to have been well for a minute", upTo: .seconds(150)) {
      let link = try await link(at: paris)
      return link.peer.advice == nil && link.peer.state == .up
        && link.quality.receive.lossRatio.map { $0 < 0.03 } == true ? () : nil
    }
    try await expectOutage(at: paris)
  }

  /// After the loss.
  private func expectOutage(at office: Office) async throws {
    let history = try await wait(for: "minutes of \(office.name)", upTo: .seconds(90)) {
      let answer = try await office.run(["pbxlink", "history", "lyon", "--json"]).checked()
      let history = try answer.json(LinkHistory.self)
      return history.minutes.isEmpty ? nil : history
    }
    let outage = try #require(history.outages.first { $0.kind == .degraded })
    #expect(outage.ended.map { $0 > outage.began } == true && outage.cause.contains("poor"), "\(outage)")
    #expect(history.minutes.allSatisfy { $0.length == 60 && $0.path == .wireguard && $0.roundTrip > 0 })
    let report = try await office.run(["pbxlink", "history", "lyon"]).checked().standardOutput
    #expect(report.contains("RTT  ") && report.contains("degraded from "), "\(report)")
    let unknown = try await office.run(["pbxlink", "history", "london"])
    #expect(unknown.status != 0 && unknown.standardError.contains("'london'"), "\(unknown)")
  }

  /// The other office as one sees it, and the figures of the path in use.
  private func link(at office: Office) async throws -> (peer: PeerStatus, quality: LinkQuality) {
    try await wait(for: "\(office.name) to have measured its link", upTo: .seconds(30)) {
      guard let peer = try await office.status().peers.first,
        let quality = peer.paths.first(where: \.inUse)?.quality
      else { return nil }
      return (peer, quality)
    }
  }
}
