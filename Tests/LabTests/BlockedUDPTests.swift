// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

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
      #expect(try await office.plan().lines() == ["Nothing to change."])
    }
    let record = try await mesh.lab.call(from: mesh.lyon, to: "201")
    #expect(record.gaps(interface: "pbxlink0").isEmpty, "\(record.gaps(interface: "pbxlink0"))")
  }

  @Test(
    "when UDP goes away in a call the link moves to OpenVPN, the call goes on, and all comes back with UDP")
  func failover() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    let call = try await paris.call("301")
    let before = try await mesh.lab.record(of: call).caller.uniqueID
    try await mesh.lab.blockUDP()
    for office in offices { try await office.waitForPath(.openvpnTCP, upTo: .seconds(10)) }
    try await expectVoice(in: call)
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == before)

    try await mesh.waitForLink(paris, lyon)
    let other = try await mesh.lab.call(from: lyon, to: "201")
    let interfaces = [other.caller.interface, try #require(other.callee).interface].compactMap(\.self)
    #expect(interfaces.count == 2 && interfaces.allSatisfy { $0.hasPrefix("pbxlink-") }, "\(interfaces)")
    #expect(other.caller.hearsVoice && other.callee?.hearsVoice == true)

    // An agent that starts again finds the path in use and leaves it.
    try await lyon.stopAgent("KILL")
    try await lyon.startAgent()
    #expect(try await lyon.pathInUse() == .openvpnTCP)
    try await expectVoice(in: call)

    try await mesh.lab.unblockUDP()
    for office in offices { try await office.waitForPath(.wireguard, upTo: .seconds(90)) }
    try await expectVoice(in: call)
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == before)
    try await call.hangUp()
  }

  @Test("openvpn and the shared port come back when they are killed, and nobody else notices")
  func killed() async throws {
    let paris = try mesh.paris
    let call = try await paris.call("301")
    try await paris.shell("kill -9 $(pidof openvpn) $(pgrep -f 'shared[-]port')").checked()
    for office in offices {
      try await wait(for: "OpenVPN of \(office.name)", upTo: .seconds(40)) {
        try await office.paths().last?.state == .down ? () : nil
      }
    }
    for office in offices {
      try await wait(for: "OpenVPN of \(office.name) to be back", upTo: .seconds(60)) {
        try await office.paths().allSatisfy { $0.state == .up } ? () : nil
      }
    }
    try await expectVoice(in: call)
    try await call.hangUp()
  }

  /// Both ends of a call still hear each other.
  private func expectVoice(in call: ActiveCall) async throws {
    let callee = try #require(try await mesh.lyon.channels().first { $0.technology == "IAX2" })
    for (office, ear) in [(call.office, call.phone), (try mesh.lyon, callee)] {
      let heard = office.voiceSamples(on: ear)
      try await wait(for: "voice at \(office.name)", upTo: .seconds(10)) {
        office.voiceSamples(on: ear) > heard + 4000 ? () : nil
      }
    }
  }
}

extension Office {
  /// The paths to the other office.
  fileprivate func paths() async throws -> [PathStatus] { try await status().peers.first?.paths ?? [] }

  fileprivate func pathInUse() async throws -> TunnelPath? { try await paths().first { $0.inUse }?.name }

  fileprivate func waitForPath(_ path: TunnelPath, upTo limit: Duration) async throws {
    try await wait(for: "\(name) to use \(path.rawValue)", upTo: limit) {
      try await pathInUse() == path ? () : nil
    }
  }
}
