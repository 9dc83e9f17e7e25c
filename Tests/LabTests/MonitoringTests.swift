// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import LinkLab
import PBXLinkCore
import Testing

@Suite("Monitoring", .serialized, .timeLimit(.minutes(10)), .offices("test-monitoring", isLinked: true))
struct MonitoringTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  private static let python = Repository.path(".build/python/bin/python3")

  @Test("Prometheus reads what status shows, and gives the alert when a link is cut")
  func prometheus() async throws {
    let (paris, lyon, programs) = (try mesh.paris, try mesh.lyon, Repository.path(".build/peers/usr/bin"))
    // As they are, but that nobody has to wait for a minute.
    let folder = Repository.path("docs/monitoring")
    try await paris.shell(
      """
      sed 's/for: 1m/for: 2s/' '\(folder)/pbxlink-alerts.yml' >/run/pbxlink-alerts.yml
      sed 's/_interval: 15s/_interval: 1s/' '\(folder)/prometheus.yml' >/run/prometheus.yml
      """
    ).checked()
    let process = try await paris.spawn(
      [
        "\(programs)/prometheus", "--config.file=/run/prometheus.yml", "--storage.tsdb.path=/run/prometheus",
        "--web.listen-address=127.0.0.1:9090",
      ], name: "prometheus")
    func value(_ query: String) async throws -> String? {
      let answer = try await paris.run([
        "\(programs)/promtool", "query", "instant", "http://127.0.0.1:9090", query,
      ])
      return answer.standardOutput.split(separator: "=>").last?.split(separator: " ").first.map(String.init)
    }
    for peer in ["lyon", "nice"] {
      try await wait(for: "Prometheus to see \(peer)", upTo: .seconds(30)) {
        try await value("pbxlink_peer_up{peer=\"\(peer)\"}") == "1" ? () : nil
      }
      #expect(try await value("pbxlink_peer_state{peer=\"\(peer)\",state=\"up\"}") == "1")
      #expect(try await value("pbxlink_call_limit{peer=\"\(peer)\"}") == "4")
      #expect(try await value("pbxlink_voice_mos{peer=\"\(peer)\",listener=\"local\"} > bool 4") == "1")
      let answered = "pbxlink_probe_received_total{peer=\"\(peer)\",path=\"wireguard\"} > bool 5"
      #expect(try await value(answered) == "1")
    }
    #expect(try await value("up{job=\"pbxlink\"}") == "1")
    #expect(try await value("process_resident_memory_bytes > bool 1e6") == "1")
    let isDown = "ALERTS{alertname=\"PbxlinkPeerDown\",alertstate=\"firing\",peer=\"lyon\"}"
    #expect(try await value("absent(\(isDown))") == "1")
    try await cuttingOff(lyon) {
      try await wait(for: "the alert", upTo: .seconds(30)) { try await value(isDown) == "1" ? () : nil }
    }
    try await wait(for: "the end of the alert", upTo: .seconds(60)) {
      try await value("absent(\(isDown))") == "1" ? () : nil
    }
    try await mesh.waitForLink(paris, lyon)
    try await mesh.waitForLink(lyon, try mesh.nice)
    try await paris.run(["kill", "-TERM", "\(process)"]).checked()
    let text = try await paris.run(["pbxlink", "status", "--format", "openmetrics"]).checked().standardOutput
    #expect(text.contains("\npbxlink_peer_up{peer=\"lyon\"} 1\n") && text.hasSuffix("# EOF\n"))
  }

  @Test("check tells Nagios whether the links are well")
  func check() async throws {
    let paris = try mesh.paris
    // Other tests may have made the lines of the last minute poor.
    let patience = "loss=100,mos=1:"
    let well = try await paris.run(["pbxlink", "check", "-w", patience, "-c", patience])
    #expect(well.status == 0, "\(well.standardOutput)")
    #expect(
      well.standardOutput.hasPrefix("PBXLINK OK - 2 links well | 'lyon_rtt'=0."), "\(well.standardOutput)")
    let slow = try await paris.run([
      "pbxlink", "check", "--peer", "lyon", "--warning", "rtt=0.000001,\(patience)", "-c", patience,
    ])
    #expect(slow.status == 1 && slow.standardOutput.hasPrefix("PBXLINK WARNING - lyon rtt "))
    #expect(try await paris.run(["pbxlink", "check", "-p", "oslo"]).status == 3)
    try await paris.write("paths: { runtime: /run/nowhere }\n", to: "/run/other.yaml")
    let gone = try await paris.run(["pbxlink", "check", "--config", "/run/other.yaml"])
    #expect(
      gone.status == 2 && gone.standardOutput.hasPrefix("PBXLINK CRITICAL - No agent answers at /run/nowhere")
    )
  }

  @Test("events tells when a link is cut and back, who asked for what, and goes on with what happens")
  func events() async throws {
    let (paris, nice) = (try mesh.paris, try mesh.nice)
    func events(_ arguments: String...) async throws -> [RecordedEvent] {
      try await paris.run(["pbxlink", "events", "--json"] + arguments).checked().json(EventList.self).events
    }
    let last = try #require(try await events().last)
    // One hook works, the other one's server is not there.
    let path = "/etc/pbxlink/pbxlink.yaml"
    let before = try paris.read(path)
    try await paris.shell("cat >/run/hook; chmod 700 /run/hook", input: "#!/bin/sh\ncat >>/run/hook.log\n")
      .checked()
    try await paris.write(
      before + "events: { command: /run/hook, webhook: 'http://127.0.0.1:1/secret' }\n", to: path)
    try await paris.signalAgent("HUP")
    let process = try await paris.spawn(
      ["pbxlink", "events", "--follow", "--json", "--site", "nice"], name: "events")
    // An agent that has just started waits for links to come up before it says that they are down.
    let down = try await cuttingOff(nice) {
      try await wait(for: "the link to be down", upTo: .seconds(60)) {
        let status = try await paris.status(of: nice)
        return status.state == .down && status.since != nil ? status : nil
      }
    }
    let since = try #require(down.since.flatMap(Timestamp.init(rfc3339:)))
    try await mesh.waitForLink(paris, nice)
    try await mesh.waitForLink(nice, try mesh.lyon)
    let links = try await wait(for: "the event", upTo: .seconds(30)) {
      let links = try await events("--site", "nice", "--kind", "link_down", "link_up").filter {
        $0.id > last.id
      }
      return links.last?.kind == "link_up" ? links : nil
    }
    #expect(links.map(\.kind) == ["link_down", "link_up"], "\(links)")
    #expect(links.first?.text.hasPrefix("link to 'nice' is down after ") == true, "\(links)")
    #expect(links.last?.text.hasPrefix("link to 'nice' is up after ") == true, "\(links)")
    #expect(abs(since - (Timestamp(rfc3339: links.first?.time ?? "") ?? since)) <= 1)
    try await wait(for: "the one who follows to have seen both", upTo: .seconds(5)) {
      let log = try String(contentsOfFile: paris.log("events"), encoding: .utf8)
      return log.contains("\"link_down\"") && log.contains("\"link_up\"") ? () : nil
    }
    try await paris.run(["kill", "-TERM", "\(process)"]).checked()
    try await wait(for: "the hook to be told of both", upTo: .seconds(5)) {
      let told = try paris.read("/run/hook.log")
      return told.contains("\"text\":\"paris: link to 'nice' is down after ") && told.contains("\"link_up\"")
        ? () : nil
    }
    try await wait(for: "the problem with the other one", upTo: .seconds(20)) {
      let problems = try await paris.status().agent.problems
      return problems.contains { $0.hasPrefix("webhook http://127.0.0.1 does not take event ") } ? () : nil
    }
    try await paris.write(before, to: path)
    try await paris.run(["pbxlink", "apply"]).checked()
    try await wait(for: "the problem to be gone", upTo: .seconds(10)) {
      try await paris.status().agent.problems.contains { $0.hasPrefix("webhook") } ? nil : ()
    }
    let commands = try await events("--since", "1m", "--kind", "command_received")
    #expect(commands.last?.text.hasPrefix("root (process ") == true)
    #expect(commands.last?.text.hasSuffix(" asks for /v1/apply") == true, "\(commands)")
  }

  /// Does something while nothing leaves an office.
  func cuttingOff<Result>(_ office: Office, _ body: () async throws -> Result) async throws -> Result {
    try await office.shell(
      "nft 'add table ip lab; add chain ip lab out { type filter hook output priority -300; }; "
        + "add rule ip lab out oifname != \"lo\" drop'"
    ).checked()
    do {
      let result = try await body()
      try await office.shell("nft delete table ip lab").checked()
      return result
    } catch {
      try await office.shell("nft delete table ip lab").checked()
      throw error
    }
  }

  @Test("status --watch fits 80 columns, follows what happens, sorts by a key and gives the terminal back")
  func watch() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    let tmux = "tmux -S /run/tmux.sock"
    try await paris.shell(
      "LC_ALL=C.UTF-8 \(tmux) new-session -d -s watch -x 80 -y 24 'pbxlink status --watch; exec cat'"
    ).checked()
    func screen() async throws -> String {
      try await paris.shell("\(tmux) capture-pane -p -t watch").standardOutput
    }
    func see(_ what: String, _ condition: (String) -> Bool) async throws {
      var last = ""
      do {
        try await wait(for: what, upTo: .seconds(30)) {
          last = try await screen()
          return condition(last) ? () : nil
        }
      } catch {
        Issue.record("\(error):\n\(last)")
      }
    }
    func row(_ site: String, _ state: String, in screen: String) -> Bool {
      screen.split(separator: "\n").contains { $0.hasPrefix(site) && $0.contains(state) }
    }
    try await see("both links") {
      row("lyon", " up ", in: $0) && row("nice", " up ", in: $0) && $0.contains("by name")
    }
    try await paris.shell("\(tmux) send-keys -t watch s").checked()
    try await see("another order") { $0.contains("by state") }
    try await cuttingOff(try mesh.nice) {
      try await see("the worst first") { screen in
        guard let nice = screen.range(of: "\nnice "), let lyon = screen.range(of: "\nlyon ") else {
          return false
        }
        return nice.lowerBound < lyon.lowerBound && row("nice", " down ", in: screen)
      }
    }
    try await paris.shell("\(tmux) send-keys -t watch q").checked()
    try await see("an empty terminal") { !$0.contains("PEER") }
    try await paris.shell("\(tmux) send-keys -t watch visible Enter").checked()
    try await see("what is typed") { $0.contains("visible") }
    try await paris.shell("\(tmux) kill-server").checked()
    let piped = try await paris.run(["pbxlink", "status", "--watch"])
    #expect(piped.status == 64 && piped.standardError.contains("--watch needs a terminal"))
    try await mesh.waitForLink(paris, try mesh.nice)
    try await mesh.waitForLink(lyon, try mesh.nice)
  }

  @Test("the textfile for node_exporter has the metrics of links, whole and for everyone to read")
  func textfile() async throws {
    let paris = try mesh.paris
    try await paris.shell("mkdir -p /run/textfile; pbxlink status --textfile /run/textfile/pbxlink.prom")
      .checked()
    let text = try paris.read("/run/textfile/pbxlink.prom")
    #expect(text.contains("\npbxlink_peer_up{peer=\"lyon\"} 1\n") && !text.contains("process_"))
    let listing = try await paris.shell("stat -c %a /run/textfile/pbxlink.prom; ls /run/textfile").checked()
    #expect(listing.standardOutput == "644\npbxlink.prom\n")
    let promtool = Repository.path(".build/peers/usr/bin/promtool")
    try await paris.shell("'\(promtool)' check metrics </run/textfile/pbxlink.prom").checked()
    let refused = try await paris.run(["pbxlink", "status", "--textfile", "/run/nowhere/x.prom"])
    #expect(refused.status == 73 && refused.standardError.contains("/run/nowhere/x.prom cannot be written"))
  }

  @Test("status and events print what their schemas say")
  func schemas() async throws {
    let script = Repository.path("Tests/PBXLinkSystemTests/Web/validate.py")
    for document in ["status", "events"] {
      let schema = Repository.path("docs/schemas/\(document).json")
      let result = try await mesh.paris.shell(
        "pbxlink \(document) --json | '\(Self.python)' '\(script)' '\(schema)'")
      #expect(result.status == 0, "\(result.standardOutput)\(result.standardError)")
    }
  }

  /// What the browser saw.
  private struct Looks: Decodable {
    struct View: Decodable {
      struct Refresh: Decodable {
        let bytes: Int
        let focus: String
      }
      let refresh: Refresh?
    }
    let problems: [String]
    let views: [String: View]
  }

  @Test(
    "the status page can be read by everyone: in the dark, on a phone, without a script, by a screen reader")
  func page() async throws {
    let paris = try mesh.paris
    // Rows of others are fetched once somebody looks.
    try await wait(for: "the other sites' rows", upTo: .seconds(20)) {
      let page = try await paris.run(["curl", "-sf", "http://127.0.0.1:9470/"]).standardOutput
      return page.contains("</html>") && !page.contains("not told") ? () : nil
    }
    let pictures = Repository.path(".build/pictures")
    let script = Repository.path("Tests/LabTests/Browser/look_at_page.py")
    let result = try await paris.run([
      Self.python, script, "http://127.0.0.1:9470/", pictures, "--expect", "paris", "--expect", "lyon",
      "--expect",
      "nice", "--expect", "MOS", "--expect", "Last events",
    ])
    let looks = try result.json(Looks.self)
    #expect(looks.problems.isEmpty)
    let refresh = try #require(looks.views["light"]?.refresh)
    #expect(refresh.bytes < 20 << 10 && refresh.focus.contains("matrix-table"))
  }
}
