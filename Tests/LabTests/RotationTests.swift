// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import Testing

@Suite("Rotation of keys", .serialized, .timeLimit(.minutes(5)), .offices("test-rotation", isLinked: true))
struct RotationTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  @Test("three rotations with six calls up and one attempt a second each way: none dropped, none failed")
  func rotations() async throws {
    let offices = [try mesh.paris, try mesh.lyon, try mesh.nice]
    for office in offices {
      let path = "/etc/pbxlink/pbxlink.yaml"
      // Room for the attempts beside the calls, however slow this machine is.
      try await office.write(try office.read(path) + "\ntrunk:\n  call_limit: 60\n", to: path)
      try await office.run(["pbxlink", "apply"]).checked()
    }
    for office in offices.dropFirst() { try await mesh.waitForLink(offices[0], office) }
    var calls: [ActiveCall] = []
    for number in ["301", "302", "301", "401", "402", "401"] {
      calls.append(try await offices[0].call(number))
    }
    var before: [String] = []
    for call in calls { before.append(try await mesh.lab.record(of: call).caller.uniqueID) }

    let attempts = Attempts()
    try await withThrowingTaskGroup { group in
      // More of them, and what fails on a small machine is Asterisk, without any rotation. Nice's 16.28 calls nobody: with
      // its jitter buffer it may not see an answer, the sooner the busier the machine.
      for way in [[(offices[0], "301"), (offices[0], "401")], [(offices[1], "201")]] {
        group.addTask { try await attempts.run(in: way) }
      }
      for office in offices {
        try await attempts.wait(for: 8)
        let secrets = try office.read("/etc/asterisk/pbxlink/iax.conf")
        let answer = try await office.run(["pbxlink", "rotate-keys", "--json"]).checked()
        let rotation = try answer.json(Rotation.self)
        #expect(rotation.tunnelGeneration == 2 && rotation.trunkGeneration == 2)
        let keys = try await office.shell("ls /var/lib/pbxlink/keys; wg show pbxlink0 public-key").checked()
        #expect(keys.standardOutput.contains(rotation.tunnelKey))
        #expect(try office.read("/etc/asterisk/pbxlink/iax.conf") != secrets)
      }
      try await attempts.wait(for: 8)
      await attempts.finish()
      try await group.waitForAll()
    }
    let (answered, failures) = await attempts.outcome
    #expect(failures.isEmpty, "\(failures)")
    #expect(answered >= 30, "\(answered)")
    for (call, id) in zip(calls, before) {
      #expect(try await mesh.lab.record(of: call).caller.uniqueID == id)
      let heard = call.office.voice(on: call.phone).loud
      // Where the processor was short, Asterisk's jitter buffer has grown to its limit, and drops for a while.
      try await wait(for: "more voice on \(call.phone.name)", upTo: .seconds(30)) {
        call.office.voice(on: call.phone).loud > heard ? () : nil
      }
    }
    for office in offices {
      try await office.hangUpAll()
      // A minute later the old keys are gone, at both ends.
      try await wait(for: "\(office.name) to have forgotten the old keys", upTo: .seconds(100)) {
        let old = try await office.shell(
          "ls /var/lib/pbxlink/keys | grep -x 'tunnel\\|trunk-1'; "
            + "grep 'k1_\\|_1\\]' /etc/asterisk/pbxlink/iax.conf")
        return old.standardOutput.isEmpty ? () : nil
      }
      try await wait(for: "\(office.name) to have nothing left to change", upTo: .seconds(20)) {
        try await office.plan().steps.isEmpty ? () : nil
      }
    }
  }

  @Test("a site that was down during a rotation comes back by the next key, which it knew before")
  func absentSite() async throws {
    let (paris, nice) = (try mesh.paris, try mesh.nice)
    // Its tunnel, too, is away, so that it hears of nothing.
    try await nice.stopAgent("KILL")
    try await nice.shell("kill -9 $(pidof wireguard-go)").checked()
    // A rotation waits for whoever was heard within three minutes.
    try await wait(for: "paris to give nice up", upTo: .seconds(220)) {
      let status = try await paris.status()
      let peer = try #require(status.peers.first { $0.name == "nice" })
      let last = try #require(peer.lastHandshake).moment
      let now = try #require(Timestamp(rfc3339: status.time))
      return peer.state == .down && now - last > 181 ? () : nil
    }
    try await paris.run(["pbxlink", "rotate-keys"]).checked()
    try await nice.startAgent()
    try await wait(for: "nice to be back", upTo: .seconds(100)) {
      try await nice.status().peers.contains { $0.name == "paris" && $0.state == .up } ? () : nil
    }
    #expect(try await mesh.lab.call(from: nice, to: "201").gaps(interface: "pbxlink0").isEmpty)
  }

  private struct Rotation: Decodable {
    let tunnelKey: String
    let tunnelGeneration: Int
    let trunkGeneration: Int

    enum CodingKeys: String, CodingKey {
      case tunnelKey = "tunnel_key"
      case tunnelGeneration = "tunnel_generation"
      case trunkGeneration = "trunk_generation"
    }
  }
}

/// Calls that are placed all the time, and what became of them.
private actor Attempts {
  private var answered = 0
  private var failures: [String] = []
  private var isOver = false

  var outcome: (answered: Int, failures: [String]) { (answered, failures) }

  /// A call each second, by each of some routes in turn, until it is over; one that takes longer does not hold up the
  /// next.
  func run(in routes: [(office: Office, number: String)]) async throws {
    try await withThrowingTaskGroup { group in
      while !isOver {
        for route in routes where !isOver {
          group.addTask { try await self.place(from: route.office, to: route.number) }
          try await Task.sleep(for: .seconds(1))
        }
      }
      try await group.waitForAll()
    }
  }

  private func place(from office: Office, to number: String) async throws {
    if let end = try await office.attempt(number) {
      failures.append("\(office.name) to \(number): \(end)")
    } else {
      answered += 1
    }
  }

  /// Waits until so many more have been answered or have failed.
  func wait(for count: Int) async throws {
    let goal = answered + failures.count + count
    while answered + failures.count < goal { try await Task.sleep(for: .milliseconds(100)) }
  }

  func finish() { isOver = true }
}
