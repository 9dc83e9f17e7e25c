// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import Testing

@Suite(
  "Offices whose network blocks UDP", .serialized, .timeLimit(.minutes(10)),
  .udpBlockedOffices("test-blocked"))
struct BlockedUDPTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  private var offices: [Office] { mesh.lab.offices }

  @Test("OpenVPN stands by, connected, while calls go over WireGuard")
  func standby() async throws {
    for office in offices {
      try await wait(for: "both paths of \(office.name)", upTo: .seconds(20)) {
        try await office.paths().allSatisfy { $0.state == .up } ? () : nil
      }
      #expect(try await office.paths().map(\.name) == [.wireguard, .openvpnTCP])
      #expect(try await office.pathInUse() == .wireguard)
      #expect(try await office.plan().lines() == ["Nothing to change in tunnel, firewall and trunks."])
    }
    // Who hears strangers has next to no rights: CAP_NET_BIND_SERVICE has number 10 (capabilities(7)).
    let status = try await mesh.paris.shell("grep CapEff /proc/$(pgrep -f 'shared[-]port')/status").checked()
    #expect(status.standardOutput == "CapEff:\t0000000000000400\n")
    let record = try await mesh.lab.call(from: mesh.lyon, to: "201")
    #expect(record.gaps(interface: "pbxlink0").isEmpty, "\(record.gaps(interface: "pbxlink0"))")
  }

  @Test(
    "when UDP goes away in a call the link moves to OpenVPN, the call goes on, and all comes back with UDP")
  func failover() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    let call = try await paris.call("301")
    let before = try await mesh.lab.record(of: call).caller.uniqueID
    let meter = try await VoiceMeter(call, at: lyon)
    try await mesh.lab.block(.udp)
    let start = ContinuousClock.now
    for office in offices { try await office.waitForPath(.openvpnTCP, upTo: .seconds(10)) }
    print("UDP gone: both ends on OpenVPN after \(tenths((ContinuousClock.now - start).inSeconds)) s")
    try await expectVoice(in: call)
    print("UDP gone: silence of \(meter.silence()) s")
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == before)

    try await mesh.waitForLink(paris, lyon)
    let other = try await mesh.answeredCall(from: lyon, to: "201")
    let interfaces = [other.caller.interface, try #require(other.callee).interface].compactMap(\.self)
    #expect(interfaces.count == 2 && interfaces.allSatisfy { $0.hasPrefix("pbxlink-") }, "\(interfaces)")
    #expect(other.caller.hearsVoice && other.callee?.hearsVoice == true)

    // An agent that starts again finds the path in use and leaves it.
    try await lyon.stopAgent("KILL")
    try await lyon.startAgent()
    #expect(try await lyon.pathInUse() == .openvpnTCP)
    try await expectVoice(in: call)

    let again = try await VoiceMeter(call, at: lyon)
    try await mesh.lab.unblock()
    for office in offices { try await office.waitForPath(.wireguard, upTo: .seconds(90)) }
    try await expectVoice(in: call)
    print("UDP back: silence of \(again.silence()) s")
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == before)
    try await call.hangUp()
  }

  @Test("a change that a call would hear waits for its end, and the plan tells how long the silence would be")
  func heldChange() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    try await mesh.waitForLink(paris, lyon)
    let call = try await paris.call("301")
    _ = try await mesh.lab.record(of: call)
    try await mesh.lab.block(.udp)
    for office in offices { try await office.waitForPath(.openvpnTCP, upTo: .seconds(10)) }
    let process = try await lyon.shell("pidof openvpn").checked().standardOutput
    let path = "/etc/pbxlink/pbxlink.yaml"
    let before = try paris.read(path)
    try await paris.write(
      before.replacing("[198.51.100.10:443]", with: "[198.51.100.10:443, 198.51.100.10:8443]"), to: path)
    try await paris.run(["pbxlink", "apply"]).checked()
    // Lyon's process calls Paris, so a new endpoint of Paris's is a new configuration there.
    try await wait(for: "the change to be held in lyon", upTo: .seconds(30)) {
      try String(contentsOfFile: lyon.log("agent"), encoding: .utf8).contains("restart openvpn: waits")
        ? () : nil
    }
    let steps = try await lyon.plan().steps
    #expect(steps.map(\.plane) == ["openvpn"] && steps.allSatisfy { $0.expectedGap > 1 }, "\(steps)")
    try await expectVoice(in: call)
    #expect(try await lyon.shell("pidof openvpn").checked().standardOutput == process)
    try await call.hangUp()
    try await wait(for: "the change to be made", upTo: .seconds(30)) {
      try await lyon.plan().steps.isEmpty ? () : nil
    }
    #expect(try await lyon.shell("pidof openvpn").checked().standardOutput != process)
    try await paris.write(before, to: path)
    try await paris.run(["pbxlink", "apply"]).checked()
    try await mesh.lab.unblock()
    for office in offices { try await office.waitForPath(.wireguard, upTo: .seconds(120)) }
  }

  @Test("a site behind an HTTP proxy has the path through it")
  func proxy() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    try await paris.write(
      "Port 3128\nListen 198.51.100.10\nAllow 198.51.100.0/24\nConnectPort 443\nTimeout 600\n",
      to: "/etc/tinyproxy-lab.conf")
    try await paris.spawn(["tinyproxy", "-d", "-c", "/etc/tinyproxy-lab.conf"], name: "tinyproxy")
    try await mesh.lab.block(.tcp(port: 443))
    try await lyon.waitForState(.down, of: .openvpnTCP)
    let path = "/etc/pbxlink/pbxlink.yaml"
    let before = try lyon.read(path)
    try await lyon.write(before + "openvpn: {proxy: \"198.51.100.10:3128\"}\n", to: path)
    try await lyon.run(["pbxlink", "apply"]).checked()
    for office in offices { try await office.waitForState(.up, of: .openvpnTCP) }
    let connections = try await lyon.shell("ss --no-header --tcp state established dport = :3128").checked()
    #expect(!connections.standardOutput.isEmpty)
    try await mesh.lab.unblock()
    try await lyon.write(before, to: path)
    try await lyon.run(["pbxlink", "apply"]).checked()
    for office in offices { try await office.waitForState(.up, of: .openvpnTCP) }
  }

  @Test("openvpn and the shared port come back when they are killed, and nobody else notices")
  func killed() async throws {
    let paris = try mesh.paris
    let call = try await paris.call("301")
    let processes = "pidof openvpn && pgrep -f 'shared[-]port'"
    let before = try await paris.shell(processes).checked().standardOutput.split(separator: "\n")
    #expect(before.count == 2)
    try await paris.shell("kill -9 \(before.joined(separator: " "))").checked()
    try await wait(for: "openvpn and the shared port to run again", upTo: .seconds(40)) {
      let now = try await paris.shell(processes).standardOutput.split(separator: "\n")
      return now.count == 2 && Set(now).isDisjoint(with: before) ? () : nil
    }
    for office in offices { try await office.waitForState(.up, of: .openvpnTCP) }
    try await expectVoice(in: call)
    try await call.hangUp()
  }

  @Test("'down' leaves no interface, process or file of OpenVPN, and 'apply' brings the path back")
  func down() async throws {
    for office in offices {
      try await office.run(["pbxlink", "down", "--yes"]).checked()
      let left = try await office.shell(
        "ip -brief link; ps axo args | grep '[o]penvpn' || :; pgrep -fa 'shared[-]port' || :; ls /run/pbxlink"
      ).checked()
      for word in ["pbxlink0", "pbxlink-", "openvpn"] {
        #expect(!left.standardOutput.contains(word), "\(office.name): \(left.standardOutput)")
      }
    }
    for office in offices { try await office.run(["pbxlink", "apply"]).checked() }
    for office in offices {
      for path in [TunnelPath.wireguard, .openvpnTCP] { try await office.waitForState(.up, of: path) }
    }
  }

  @Test("a site that wants OpenVPN alone has its calls there, in both directions")
  func openVPNOnly() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    let path = "/etc/pbxlink/pbxlink.yaml"
    let before = try lyon.read(path)
    try await lyon.write(before + "tunnel: {paths: [openvpn-tcp]}\n", to: path)
    try await lyon.run(["pbxlink", "apply"]).checked()
    for office in offices { try await office.waitForPath(.openvpnTCP, upTo: .seconds(20)) }
    try await mesh.waitForLink(paris, lyon)
    for (office, number) in [(paris, "301"), (lyon, "201")] {
      let record = try await mesh.answeredCall(from: office, to: number)
      #expect(record.caller.interface?.hasPrefix("pbxlink-") == true && record.callee?.hearsVoice == true)
    }
    // The return to WireGuard takes longer each time it has failed: that is not waited for.
    try await lyon.write(before, to: path)
    try await lyon.run(["pbxlink", "apply"]).checked()
    for office in offices { try await office.waitForState(.up, of: .wireguard) }
  }

  /// Both ends of a call still hear each other.
  private func expectVoice(in call: ActiveCall) async throws {
    let callee = try #require(try await mesh.lyon.channels().first { $0.technology == "IAX2" })
    for (office, ear) in [(call.office, call.phone), (try mesh.lyon, callee)] {
      let heard = office.voice(on: ear).loud
      try await wait(for: "voice at \(office.name)", upTo: .seconds(10)) {
        office.voice(on: ear).loud > heard + 4000 ? () : nil
      }
    }
  }
}

@Suite(
  "Joining where the network blocks UDP", .serialized, .timeLimit(.minutes(10)),
  .strangersWithoutUDP("test-blocked-join"))
struct BlockedUDPJoinTests {
  @Test("an invitation is redeemed over TCP 443, and calls go both ways")
  func join() async throws {
    let mesh = try #require(LinkedLab.current)
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    try await mesh.lab.block(.udp)
    try await mesh.found()
    let invitation = try await mesh.invitation(for: lyon, extensions: "3XX")
    try await lyon.run(["pbxlink", "join", invitation]).checked()
    try await mesh.waitForLink(paris, lyon)
    for (office, number) in [(paris, "301"), (lyon, "201")] {
      let record = try await mesh.lab.call(from: office, to: number)
      #expect(record.caller.interface?.hasPrefix("pbxlink-") == true && record.callee?.hearsVoice == true)
    }
    for office in mesh.lab.offices {
      try await wait(for: "the throw-away link to be gone in \(office.name)", upTo: .seconds(30)) {
        let links = try await office.shell("ip -brief link").checked().standardOutput
        return links.split(separator: "pbxlink-").count == 2 ? () : nil
      }
      // While WireGuard gets no answer the peer's keys and endpoints take turns, at the looks.
      try await wait(for: "an empty plan in \(office.name)", upTo: .seconds(20)) {
        try await office.plan().lines() == ["Nothing to change in tunnel, firewall and trunks."] ? () : nil
      }
    }
    try await mesh.lab.unblock()
    for office in mesh.lab.offices { try await office.waitForPath(.wireguard, upTo: .seconds(90)) }
  }
}

func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }

extension Office {
  /// The paths to the other office.
  fileprivate func paths() async throws -> [PathStatus] { try await status().peers.first?.paths ?? [] }

  fileprivate func pathInUse() async throws -> TunnelPath? { try await paths().first { $0.inUse }?.name }

  fileprivate func waitForState(_ state: PathState.Condition, of path: TunnelPath) async throws {
    try await wait(for: "\(path.rawValue) of \(name) to be \(state)", upTo: .seconds(60)) {
      try await paths().first { $0.name == path }?.state == state ? () : nil
    }
  }

  fileprivate func waitForPath(_ path: TunnelPath, upTo limit: Duration) async throws {
    try await wait(for: "\(name) to use \(path.rawValue)", upTo: limit) {
      try await pathInUse() == path ? () : nil
    }
  }
}
