// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import Testing

/// The clock of one agent is another one's; WireGuard, which asks the kernel, keeps the host's.
@Suite("A wrong clock", .serialized, .timeLimit(.minutes(5)), .offices("test-clock", isLinked: true))
struct ClockTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  @Test(
    "is told, cuts nothing off, and is believed again once it is right",
    arguments: [(86_400 - Int64(Date().timeIntervalSince1970), "behind"), (5 * 365 * 86_400, "ahead of")]
      as [(Int64, String)])
  func wrongClock(seconds: Int64, what: String) async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    let call = try await paris.call("301")
    let channel = try await mesh.lab.record(of: call).caller
    try await restart(lyon, ahead: seconds)
    try await wait(for: "lyon to tell of its clock", upTo: .seconds(100)) {
      try await lyon.status().agent.problems.contains { $0.contains("\(what) the other sites'") } ? () : nil
    }
    // Looks and ticks at that time.
    try await Task.sleep(for: .seconds(25))
    let after = try await mesh.lab.record(of: call).caller
    #expect(after.channel == channel.channel && after.uniqueID == channel.uniqueID)
    try await call.hangUp()
    #expect(try await mesh.lab.call(from: paris, to: "301").gaps(interface: "pbxlink0").isEmpty)
    #expect(try await mesh.lab.call(from: lyon, to: "201").gaps(interface: "pbxlink0").isEmpty)
    #expect(try await paris.status().peers.allSatisfy { $0.state == .up })
    #expect(try await paris.status().agent.problems.isEmpty)

    let signed = try await descriptor(of: "lyon", at: lyon)
    try await restart(lyon, ahead: 0)
    #expect(try await mesh.lab.call(from: paris, to: "301").gaps(interface: "pbxlink0").isEmpty)
    try await lyon.run(["pbxlink", "apply", "--accept-clock"]).checked()
    try await wait(for: "lyon to be well", upTo: .seconds(30)) {
      let status = try await lyon.status()
      return status.agent.problems.isEmpty && status.peers.allSatisfy { $0.state == .up } ? () : nil
    }
    #expect(try await lyon.plan().steps.isEmpty)
    if seconds > 0 {
      try await wait(for: "lyon to sign again what it has signed years ahead", upTo: .seconds(100)) {
        try await descriptor(of: "lyon", at: lyon) != signed ? () : nil
      }
    }
  }

  private func descriptor(of name: String, at office: Office) async throws -> String {
    try await office.run(["pbxlink", "descriptor", "export", name]).checked().standardOutput
  }

  /// Its server, tunnel and all, is off while the month goes by at the others. By their clocks WireGuard's handshakes
  /// are a month old, so it is calls that tell of the links.
  @Test("does not matter to a site that was off for a month: it comes back by itself, and calls go both ways")
  func monthOff() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    let month: Int64 = 31 * 86_400
    let names = ["paris", "lyon", "nice"]
    func descriptors(at office: Office) async throws -> [String] {
      var descriptors: [String] = []
      for name in names { descriptors.append(try await descriptor(of: name, at: office)) }
      return descriptors
    }
    let before = try await descriptors(at: lyon)
    try await lyon.stopAgent("KILL")
    try await lyon.shell("kill -9 $(pidof wireguard-go)").checked()
    for office in [paris, nice] { try await restart(office, ahead: month) }
    try await wait(for: "paris to know that nice, too, has signed again", upTo: .seconds(60)) {
      let known = try await descriptors(at: paris)
      return known[0] != before[0] && known[2] != before[2] ? () : nil
    }
    try await restart(lyon, ahead: month)
    for (office, number) in [(paris, "301"), (lyon, "201")] {
      let call = try await mesh.answeredCall(from: office, to: number, within: .seconds(60))
      #expect(call.gaps(interface: "pbxlink0").isEmpty)
    }
    try await wait(for: "all to have each other's new descriptor", upTo: .seconds(60)) {
      let known = try await descriptors(at: paris)
      let same = try await descriptors(at: lyon) == known
      return same && zip(known, before).allSatisfy(!=) ? () : nil
    }
    #expect(try await lyon.status().agent.problems.isEmpty)
  }

  private func restart(_ office: Office, ahead seconds: Int64) async throws {
    if office.agentPID != nil { try await office.stopAgent("TERM") }
    try await office.startAgent(clock: (seconds, Repository.binaries + "/libCShiftedClock.so"))
  }
}
