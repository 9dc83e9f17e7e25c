// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Plugin of Nagios and Icinga")
struct PluginCheckTests {
  @Test(
    "ranges are those of the plugin guidelines",
    arguments: [
      ("10", [-1, 11], [0, 10]), ("10:", [9, -1], [10, 1e9]), ("~:10", [10.5], [-1e9, 10]),
      ("10:20", [9.9, 20.1], [10, 20]), ("@10:20", [10, 15, 20], [9.9, 20.1]), ("3.6:", [3.5], [3.6, 5]),
      (":5", [-1, 6], [0, 5]), ("@~:0", [-1, 0], [1]),
    ] as [(String, [Double], [Double])])
  func ranges(text: String, alerts: [Double], others: [Double]) throws {
    let range = try #require(PluginRange(text))
    #expect(range.description == text)
    #expect(alerts.allSatisfy(range.isAlert) && !others.contains(where: range.isAlert))
  }

  @Test(
    "what is no range is refused",
    arguments: ["", "@", "a", "1:2:3", "20:10", "5:~", "1e3", "nan", "inf", "~", " 1", "0x10", "@@1"])
  func noRanges(text: String) { #expect(PluginRange(text) == nil) }

  private func peer(
    _ name: String, _ state: PeerStatus.State, roundTrip: Double? = 0.0213, loss: Double? = 0.001,
    mos: Double? = 4.37, calls: Int = 2, advice: String? = nil
  ) -> PeerStatus {
    PeerStatus(
      name: name, state: state, path: "wireguard 198.51.100.10:51820", paths: [], roundTrip: roundTrip,
      lossTransmit: 0, lossReceive: loss, jitter: 0.002, mos: mos, lastHandshake: nil, received: 0, sent: 0,
      calls: calls, callLimit: 4, trunk: "OK (3 ms)", extensions: ["3XX"], addresses: ["10.77.0.2"],
      advice: advice)
  }

  private func status(
    _ peers: [PeerStatus], problems: [String] = [], asterisk: String? = "22.10.1"
  ) -> StatusSnapshot {
    StatusSnapshot(
      time: "2026-11-23T12:00:00Z", mesh: .init(name: "acme", authority: "key", networks: ["10.77.0.0/16"]),
      site: .init(name: "paris", addresses: ["10.77.0.1"], extensions: ["2XX"], revoked: false),
      agent: .init(
        version: "1", since: "2026-11-23T11:00:00Z", tunnelBackend: "kernel", tunnelBackendReason: nil,
        asteriskVersion: asterisk, problems: problems, isDown: false), peers: peers, neighbors: [])
  }

  @Test("links that are well are OK, with performance data for each")
  func well() {
    let check = PluginCheck(status([peer("lyon", .up), peer("wien", .invited)]))
    #expect(check.severity == .ok)
    #expect(
      check.lines == [
        "PBXLINK OK - 1 link well | 'lyon_rtt'=0.0213s;0.3;0.8;0; 'lyon_loss'=0.1%;2;5;0;100 "
          + "'lyon_mos'=4.37;3.6:;3.1:;1;5 'lyon_calls'=2;;;0;4 'lyon_up'=1;;;0;1"
      ])
  }

  @Test("the worst comes first, with what to do about it on the lines below")
  func worst() {
    let peers = [
      peer("lyon", .full, advice: "Raise the limit."),
      peer("nice", .down, roundTrip: nil, loss: nil, mos: nil, advice: "Look at its line | now."),
      peer("oslo", .up, roundTrip: 0.5, loss: 0.031, mos: 3),
    ]
    let check = PluginCheck(status(peers, problems: ["The clock is wrong.", "No history."]))
    #expect(check.severity == .critical)
    let head = check.lines[0].split(separator: " | ", maxSplits: 1)
    #expect(
      head[0] == "PBXLINK CRITICAL - nice down; oslo mos 3.0; 2 problems here; lyon full; oslo rtt 500 ms; "
        + "oslo loss 3.1 %")
    #expect(head[1].contains("'nice_rtt'=U;0.3;0.8;0;") && head[1].contains("'nice_up'=0;;;0;1"))
    #expect(
      check.lines.dropFirst() == [
        "The clock is wrong.", "No history.", "lyon: Raise the limit.", "nice: Look at its line / now.",
      ])
  }

  @Test("one link alone is judged without the rest, and one that there is not is UNKNOWN")
  func onePeer() {
    let status = status([peer("lyon", .up), peer("nice", .down)], problems: ["x"], asterisk: nil)
    #expect(PluginCheck(status, peer: "lyon").severity == .ok)
    #expect(PluginCheck(status, peer: "nice").severity == .critical)
    let unknown = PluginCheck(status, peer: "oslo")
    #expect(unknown.severity == .unknown)
    #expect(unknown.lines == ["PBXLINK UNKNOWN - no link to 'oslo': see 'pbxlink sites'"])
  }

  @Test("an own threshold takes the place of the built-in one")
  func thresholds() throws {
    let status = status([peer("lyon", .up)])
    let tight = [PluginCheck.Measure.roundTrip: try #require(PluginRange("0.02"))]
    #expect(PluginCheck(status, warnings: tight).severity == .warning)
    #expect(PluginCheck(status, criticals: tight).severity == .critical)
  }

  @Test("an Asterisk that does not answer is critical whatever the links do")
  func asterisk() {
    let check = PluginCheck(status([peer("lyon", .up)], asterisk: nil))
    #expect(
      check.severity == .critical && check.lines[0].hasPrefix("PBXLINK CRITICAL - Asterisk does not answer"))
  }
}
