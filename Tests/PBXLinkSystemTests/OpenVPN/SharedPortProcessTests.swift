// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import CLinux
import Glibc
import PBXLinkCore
import Subprocess
import Testing

@testable import PBXLinkSystem

@Suite("Process of the shared TCP port")
struct SharedPortProcessTests {
  private static let command: [String] = {
    let folder = CommandLine.arguments[0].split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
    return [folder + "/pbxlink", "shared-port"]
  }()

  private let lyon = SharedPortLab.key(1)

  private func withProcess(_ body: (SharedPortProcess, ResolvedEndpoint, String) async throws -> Void)
    async throws
  {
    try await SharedPortLab.withDirectory { directory in
      let process = SharedPortProcess(directory: directory, command: Self.command)
      // A port that was free a moment ago.
      let listen = ResolvedEndpoint(
        IPAddress(family: .v4, value: 0x7f00_0001), port: try SharedPortListener().port)
      do {
        try await body(process, listen, directory)
      } catch {
        try await process.remove()
        throw error
      }
      try await process.remove()
    }
  }

  @Test("started, it is found with its address and peers; stopped, it is gone")
  func life() async throws {
    try await withProcess { process, listen, directory in
      #expect(try await process.observe() == nil)
      try await process.stop()
      try await process.start(listen)
      var seen = try #require(try await process.observe())
      #expect(seen.listen == listen && seen.peers.isEmpty)
      let listener = try SharedPortListener()
      let peer = SharedPortPeer(controlKey: lyon, port: listener.port)
      try process.install([peer])
      seen = try #require(try await process.observe())
      #expect(seen.peers == [peer])
      let packet = try SharedPortLab.packet(lyon)
      let client = try SharedPortStream(to: listen.port)
      #expect(await client.send(packet))
      #expect(try await listener.accept().receive(packet.count) == packet)
      try await process.stop()
      #expect(try await process.observe() == nil)
      #expect(throws: KernelError.self) { try SharedPortStream(to: listen.port) }
      try await process.start(listen)
      #expect(try await process.observe()?.peers == [peer], "the table outlives a restart")
      #expect(truncate("\(directory)/shared-port.table", 100) == 0)
      #expect(try await process.observe()?.peers == [], "a damaged one is as good as none and is made anew")
      try await process.remove()
      for name in ["lock", "table"] { #expect(access("\(directory)/shared-port.\(name)", F_OK) != 0) }
    }
  }

  @Test("it belongs to no parent: its session is its own, and its outputs lead nowhere")
  func survival() async throws {
    try await withProcess { process, listen, directory in
      try await process.start(listen)
      let found = try #require(try SharedPortLock(directory: directory).holder()?.process)
      #expect(getsid(found) == found && getpgid(found) == found)
      let parent = try #require(
        try Self.stat(found).split(separator: " ").dropFirst().first.map { pid_t($0) })
      #expect(parent != getpid())
      for descriptor in 0...2 {
        var path = [CChar](repeating: 0, count: 256)
        let count = readlink("/proc/\(found)/fd/\(descriptor)", &path, path.count)
        #expect(path.prefix(max(0, count)).map { UInt8(bitPattern: $0) } == Array("/dev/null".utf8))
      }
    }
  }

  @Test("it goes on when whoever started it is killed")
  func killedParent() async throws {
    try await withProcess { process, listen, directory in
      // A shell in the agent's place, which takes its whole process group along.
      let script = "\"$0\" --fork \"$@\" | cat; kill -KILL 0"
      let arguments =
        ["--wait", "sh", "-c", script, "setsid"] + Self.command
        + ["--listen", "\(listen)", "--directory", directory]
      #expect(mkdir(directory, 0o700) == 0)
      let result = try await run(
        .name("setsid"), arguments: Arguments(arguments), output: .discarded, error: .discarded)
      #expect(!result.terminationStatus.isSuccess)
      #expect(try await process.observe()?.listen == listen)
    }
  }

  @Test("a port that another program has is named, with what to do")
  func portTaken() async throws {
    try await withProcess { process, listen, _ in
      let other = try SharedPortListener(port: listen.port)
      let error = await #expect(throws: SharedPortError.self) { try await process.start(listen) }
      let text = try #require(error).description
      #expect(
        text.contains("cannot listen on \(listen)") && text.contains("ss -ltnp sport = :\(listen.port)"))
      #expect(try await process.observe() == nil)
      withExtendedLifetime(other) {}
    }
  }

  @Test("a second one for the same directory is refused, and the first one goes on")
  func second() async throws {
    try await withProcess { process, listen, _ in
      try await process.start(listen)
      let other = ResolvedEndpoint(listen.address, port: try SharedPortListener().port)
      let error = await #expect(throws: SharedPortError.self) { try await process.start(other) }
      #expect(error?.description.contains("by another process already") == true)
      #expect(try await process.observe()?.listen == listen)
    }
  }

  @Test("a command that is not there, or does not serve, is an error that says so")
  func badCommand() async throws {
    try await SharedPortLab.withDirectory { directory in
      let listen = ResolvedEndpoint(IPAddress(family: .v4, value: 0x7f00_0001), port: 1)
      for (command, word) in [(["/nonexistent/pbxlink"], "nonexistent"), (["/bin/true"], "without a word")] {
        let process = SharedPortProcess(directory: directory, command: command)
        let error = await #expect(throws: SharedPortError.self) { try await process.start(listen) }
        #expect(error?.description.contains(word) == true)
      }
    }
  }

  @Test("one that is suspended is ended, too, and its lock goes with it")
  func suspended() async throws {
    try await withProcess { process, listen, directory in
      try await process.start(listen)
      let found = try #require(try SharedPortLock(directory: directory).holder()?.process)
      kill(found, SIGSTOP)
      #expect(try await eventually { try Self.stat(found).hasPrefix(" T") })
      try await process.stop()
      #expect(try await process.observe() == nil)
    }
  }

  @Test("the table is readable by its owner only, and damage to it is told")
  func table() async throws {
    try await SharedPortLab.withDirectory { directory in
      let process = SharedPortProcess(directory: directory, command: Self.command)
      let peers = (1...3).map { SharedPortPeer(controlKey: SharedPortLab.key($0), port: UInt16($0) * 257) }
      try process.install(peers)
      let table = SharedPortTable(directory: directory)
      #expect(try table.read() == peers)
      var status = clinux_status()
      #expect(clinux_stat(table.path, &status) == 0 && status.mode & 0o777 == 0o600)
      #expect(clinux_stat(directory, &status) == 0 && status.mode & 0o777 == 0o700)
      #expect(throws: SharedPortError.wrongKeyLength(port: 5, length: 32)) {
        try process.install([SharedPortPeer(controlKey: Secret(0..<32), port: 5)])
      }
      #expect(try table.read() == peers, "what was there stays")
      #expect(truncate(table.path, 100) == 0)
      #expect(throws: SharedPortError.damaged(path: table.path)) { try table.read() }
    }
  }

  /// The state and what follows of /proc/PID/stat (proc(5)).
  private static func stat(_ process: pid_t) throws -> String {
    let descriptor = open("/proc/\(process)/stat", O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = read(descriptor, &bytes, bytes.count)
    let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    return text.split(separator: ")").last.map(String.init) ?? ""
  }
}
