// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import LinkLab
import PBXLinkCore
import Testing

extension MonitoringTests {
  /// What a crowd of scrapers has met.
  private struct Scrapes: Decodable {
    let answers, faults: [String: Int]
    let lag: Double
  }

  @Test(
    "fifty scrapers all get whole answers while the site file is read again and Asterisk dies and comes back")
  func crowd() async throws {
    let paris = try mesh.paris
    let script = Repository.path("Tests/LabTests/scrape_crowd.py")
    async let crowd = paris.run(["python3", script, "50", "6"])
    for _ in 0..<3 {
      try await paris.signalAgent("HUP")
      try await paris.shell("sleep 0.3")
    }
    try await paris.shell("kill -KILL $(pidof asterisk)").checked()
    func isMissed() async throws -> Bool {
      let text = try await paris.shell("curl -s http://127.0.0.1:9470/metrics").standardOutput
      return text.contains("\npbxlink_asterisk_up 0\n")
    }
    // Whatever comes of it, Asterisk must run for the other tests.
    do {
      try await wait(for: "Asterisk to be missed", upTo: .seconds(20)) { try await isMissed() ? () : nil }
    } catch {
      Issue.record(error)
    }
    let scrapes = try await crowd.checked().json(Scrapes.self)
    #expect(scrapes.faults == [:])
    #expect(Set(scrapes.answers.keys) == ["200"] && scrapes.answers["200"] ?? 0 > 100, "\(scrapes)")
    print(
      "50 scrapers: \(scrapes.answers["200"] ?? 0) answers, the latest probe \(scrapes.lag * 1000) ms late")
    try await paris.startAsterisk()
    for peer in ["lyon", "nice"] {
      try await wait(for: "the metrics to say that \(peer) can be called again", upTo: .seconds(60)) {
        let text = try await paris.shell("curl -s http://127.0.0.1:9470/metrics").standardOutput
        return text.contains("\npbxlink_peer_state{peer=\"\(peer)\",state=\"up\"} 1\n") ? () : nil
      }
    }
  }

  @Test(
    "a full disk is told, keeps no link from working and no status from being true, and is over when there is room"
  )
  func fullDisk() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    try await paris.stopAgent("TERM")
    try await paris.shell(
      """
      mkdir /run/small
      mount -t tmpfs -o size=8m tmpfs /run/small
      cp -a /var/lib/pbxlink/. /run/small
      mount --bind /run/small /var/lib/pbxlink
      """
    ).checked()
    try await paris.startAgent()
    try await mesh.waitForLink(paris, lyon)
    let fill = """
      import sqlite3
      for name in ("state", "history"):
          sqlite3.connect(f"/var/lib/pbxlink/{name}.sqlite", timeout=10).execute("PRAGMA wal_checkpoint(TRUNCATE)")
      try:
          with open("/var/lib/pbxlink/fill", "wb", buffering=0) as file:
              while file.write(bytes(4096)):
                  pass
      except OSError as error:
          print(error.strerror)
      """
    let full = try await paris.shell("python3 -", input: fill).checked().standardOutput
    #expect(full == "No space left on device\n")
    // An agent that has just started waits for links to come up before it says that they are down.
    try await cuttingOff(lyon) {
      try await wait(for: "the problem", upTo: .seconds(60)) {
        let status = try await paris.status()
        let isDown = status.peers.first { $0.name == "lyon" }?.state == .down
        return isDown
          && status.agent.problems.contains { $0.hasPrefix("the journal is not written: The disk is full: ") }
          ? () : nil
      }
    }
    try await mesh.waitForLink(paris, lyon)
    try await mesh.waitForLink(lyon, try mesh.nice)
    try await paris.call("301").hangUp()
    try await paris.shell("rm /var/lib/pbxlink/fill").checked()
    try await wait(for: "the end of the problem", upTo: .seconds(90)) {
      try await paris.status().agent.problems.isEmpty ? () : nil
    }
    try await cuttingOff(lyon) {
      try await wait(for: "the journal to go on", upTo: .seconds(60)) {
        let events = try await paris.run(["pbxlink", "events", "--since", "1m", "--json"]).checked().json(
          EventList.self)
        return events.events.contains { $0.kind == "link_down" && $0.site == "lyon" } ? () : nil
      }
    }
    try await paris.stopAgent("TERM")
    try await paris.shell("umount /var/lib/pbxlink /run/small").checked()
    try await paris.startAgent()
    try await mesh.waitForLink(paris, lyon)
    try await mesh.waitForLink(lyon, try mesh.nice)
  }
}
