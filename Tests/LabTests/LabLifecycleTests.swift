// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import PBXLinkCore
import Testing

@testable import LinkLab

/// Two public offices and one behind NAT, with no agents.
@Suite("Lab", .serialized, .timeLimit(.minutes(10))) struct LabLifecycleTests {
  private static func file() throws -> LabFile {
    try LabFile(
      yaml: """
        name: self-test
        internet: 203.0.113.0/24
        offices:
          - {name: north, address: 203.0.113.10, extensions: {"201": tone, "203": busy, "204": ringing}}
          - {name: south, address: 203.0.113.20, asterisk: bullseye, extensions: {"301": tone, "302": echo}}
          - {name: west, network: nat, address: 203.0.113.30, extensions: {"401": tone}}
        """, path: "self-test.yaml")
  }

  /// A lab of this test's own, removed whatever happens.
  private func withLab(_ name: String, _ body: (Lab) async throws -> Void) async throws {
    let lab = try await Lab.up(try Self.file(), name: name, options: .init(startsAgents: false))
    do {
      try await body(lab)
    } catch {
      try await Lab.down(name)
      throw error
    }
    #expect(try processes(mentioning: "/run/pbxlink-lab/\(name)/").count > 0)
    #expect(try await Lab.down(name))
    #expect(try processes(mentioning: "/run/pbxlink-lab/\(name)/").isEmpty)
  }

  @Test("offices have networks and files of their own, and reach each other through NAT one way only")
  func networks() async throws {
    try await withLab("self-test-networks") { lab in
      let (north, west) = (try lab.office(named: "north"), try lab.office(named: "west"))
      #expect(try await west.addresses()["eth0"]?.contains { "\($0)" == "192.168.1.10" } == true)
      try await west.write("west only\n", to: "/etc/pbxlink/pbxlink.yaml")
      #expect(try west.read("/etc/pbxlink/pbxlink.yaml") == "west only\n")
      #expect(throws: (any Error).self) { try north.read("/etc/pbxlink/pbxlink.yaml") }
      #expect(!FileManager.default.fileExists(atPath: "/var/lib/pbxlink/west"))

      // Out: north sees the router's address. In: nobody answers, as the router drops what it did not ask for.
      let peer = try await exchange(from: west, to: north, at: "203.0.113.10")
      #expect(peer.standardOutput.trimmingPrefix("heard ") == "203.0.113.30\n")
      let refused = try await exchange(from: north, to: west, at: "203.0.113.30")
      #expect(refused.standardOutput == "heard nothing\n")
    }
  }

  @Test("a call within an office is answered; a busy, a ringing and an unknown number tell why not")
  func localCalls() async throws {
    try await withLab("self-test-local") { lab in
      let north = try lab.office(named: "north")
      let record = try await lab.call(from: north, to: "201")
      #expect(record.callee == nil)
      #expect(record.caller.state == "Up")
      #expect(record.caller.detail?.disposition == "ANSWERED")
      #expect(try await end(of: north.dial("203"))?.cause == 17)
      #expect(try await end(of: north.dial("204", upTo: .seconds(2)))?.cause == 19)
      #expect(try await end(of: north.dial("555"))?.cause == 1)
      #expect(try await north.channels().isEmpty)
    }
  }

  @Test("a call over a trunk between Asterisk 22 and 16 is proved from both ends")
  func trunkCall() async throws {
    try await withLab("self-test-trunk") { lab in
      let (north, south) = (try lab.office(named: "north"), try lab.office(named: "south"))
      try await append(
        "[north]\ntype=user\nsecret=trial\ncontext=local-extensions\nrequirecalltoken=yes\n",
        to: "/etc/asterisk/iax.conf", of: south)
      try await append(
        "[south]\ntype=peer\nhost=203.0.113.20\nusername=north\nsecret=trial\n",
        to: "/etc/asterisk/iax.conf", of: north)
      try await append(
        "[phones]\nexten => _3XX,1,Dial(IAX2/south/${EXTEN})\n", to: "/etc/asterisk/extensions.conf",
        of: north)
      _ = try await south.asterisk("iax2 reload")
      _ = try await north.asterisk("iax2 reload")
      _ = try await north.asterisk("dialplan reload")

      let record = try await lab.call(from: north, to: "301")
      #expect(record.gaps(interface: "eth0").isEmpty, "\(record.gaps(interface: "eth0"))")
      #expect(record.gaps(interface: "pbxlink0").count == 2)
      #expect(record.callee?.peerAddress == IPAddress("203.0.113.10"))
      #expect(record.callee?.callerNumber == "201")

      // A call that is up keeps its channel while others come and go.
      let call = try await north.call("301")
      let before = try await lab.record(of: call)
      _ = try await lab.call(from: north, to: "302")
      #expect(try await lab.record(of: call).caller.uniqueID == before.caller.uniqueID)
      try await north.hangUpAll()
      #expect(try await south.channels().isEmpty)
    }
  }

  @Test("a lab of the same name replaces one that has crashed, and two labs run side by side")
  func replacement() async throws {
    try await withLab("self-test-old") { old in
      let north = try old.office(named: "north")
      try await north.write("old\n", to: "/etc/mark")
      try await withLab("self-test-new") { new in
        let other = try new.office(named: "north")
        #expect(throws: (any Error).self) { try other.read("/etc/mark") }
        #expect(try north.read("/etc/mark") == "old\n")
        #expect(try Lab.list().filter(\.isHealthy).map(\.name).contains("self-test-new"))
      }
      await #expect(throws: LabError.self) {
        try await Lab.up(
          try Self.file(), name: "self-test-old", options: .init(startsAgents: false, replaces: false))
      }
      let second = try await Lab.up(
        try Self.file(), name: "self-test-old", options: .init(startsAgents: false))
      let successor = try second.office(named: "north")
      #expect(throws: (any Error).self) { try successor.read("/etc/mark") }
    }
    #expect(throws: LabError.self) { try Lab.attach("self-test-old") }
  }

  @Test("an office that a crash kept from being noted goes with its lab")
  func stray() async throws {
    let name = "self-test-stray"
    try await withLab(name) { _ in
      _ = try await Anchor.start(name: "stray", log: "/run/pbxlink-lab/\(name)/stray.log")
      // What is left of one whose launcher was killed at the wrong moment.
      let orphan = "setsid sh -c 'while :; do sleep 86400; done' \"$1\" </dev/null >/dev/null 2>&1 &"
      try await HostCommand.run(["sh", "-c", orphan, "sh", "/run/pbxlink-lab/\(name)/orphan.log"]).checked()
    }
  }

  @Test("a cancelled start leaves nothing behind")
  func cancellation() async throws {
    let name = "self-test-cancelled"
    let starting = Task { [file = try Self.file()] in
      try await Lab.up(file, name: name, options: .init(startsAgents: false))
    }
    try await wait(for: "the first office to start", upTo: .seconds(20), every: .milliseconds(1)) {
      FileManager.default.fileExists(atPath: "/run/pbxlink-lab/\(name)/north.log") ? () : nil
    }
    starting.cancel()
    await #expect(throws: (any Error).self) { try await starting.value }
    #expect(try !Lab.list().contains { $0.name == name })
    #expect(try processes(mentioning: "/run/pbxlink-lab/\(name)/").isEmpty)
  }

  @Test("a command that takes too long is killed")
  func timeout() async throws {
    try await withLab("self-test-timeout") { lab in
      let north = try lab.office(named: "north")
      await #expect(throws: LabError.self) {
        try await north.run(["sh", "-c", "echo $$ > /run/pid; exec sleep 600"], timeout: .seconds(1))
      }
      let pid = try #require(Int32(north.read("/run/pid").prefix { $0 != "\n" }))
      #expect(!north.isRunning(pid: pid))
      let result = try await north.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
      #expect((result.status, result.standardOutput, result.standardError) == (3, "out\n", "err\n"))
    }
  }

  /// The processes of this host that have `text` in their command line; an office's first process names its log.
  private func processes(mentioning text: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { pid in
      // A process may end while it is looked at.
      (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8))?.contains(text) == true
    }
  }

  private func end(of attempt: CallAttempt) -> CallEnd? {
    if case .ended(let end) = attempt { end } else { nil }
  }

  private func append(_ text: String, to path: String, of office: Office) async throws {
    try await office.run(["tee", "-a", path], input: text).checked()
  }

  /// Sends one datagram to UDP 9 at `address` and reports whom `listener` heard it from.
  private func exchange(from sender: Office, to listener: Office, at address: String) async throws
    -> CommandResult
  {
    let listen = """
      import socket
      s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      s.bind(("", 9)); s.settimeout(2)
      try: print("heard", s.recvfrom(9)[1][0])
      except TimeoutError: print("heard nothing")
      """
    let send = """
      import socket, time
      s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      for _ in range(10): s.sendto(b"x", ("\(address)", 9)); time.sleep(0.1)
      """
    async let heard = listener.run(["python3", "-c", listen])
    try await sender.run(["python3", "-c", send]).checked()
    return try await heard.checked()
  }
}
