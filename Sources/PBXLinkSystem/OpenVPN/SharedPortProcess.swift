// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
public import PBXLinkCore
internal import Subprocess
internal import SystemPackage

/// The process that owns the public TCP port of OpenVPN and passes each connection to its peer's own openvpn.
/// It outlives the agent, and is found again by its lock.
public struct SharedPortProcess: Sendable {
  private let directory: String
  private let command: [String]

  /// This very program, or what an upgrade has put in its place. Root keeps no capability but that for low ports:
  /// the process hears strangers.
  public static let command =
    (geteuid() == 0
      ? ["setpriv", "--bounding-set=-all,+net_bind_service", "--inh-caps=-all", "--no-new-privs"] : [])
    + [program, "shared-port"]

  private static var program: String {
    var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &bytes, bytes.count)
    let path = String(decoding: bytes.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    return path.hasSuffix(" (deleted)") ? String(path.dropLast(10)) : path
  }

  /// Files in a directory such as /run/pbxlink/openvpn, which is made when its parent exists; the command
  /// takes `--listen` and `--directory`.
  public init(directory: String, command: [String] = Self.command) {
    self.directory = directory
    self.command = command
  }

  /// Where it listens and which peers it knows; nil when it does not run.
  public func observe() async throws -> (listen: ResolvedEndpoint, peers: [SharedPortPeer])? {
    guard let holder = try SharedPortLock(directory: directory).holder() else { return nil }
    do {
      return (holder.listen, try SharedPortTable(directory: directory).read())
    } catch SharedPortError.damaged {
      // It is made from what is wanted; shown as empty it is made anew.
      return (holder.listen, [])
    }
  }

  /// Starts it and returns once it listens, in a session of its own: a signal to the agent's process group
  /// must not reach it.
  public func start(_ listen: ResolvedEndpoint) async throws {
    try makeDirectory()
    let result: ExecutionResult<Void, StringOutput<UTF8>, DiscardedOutput>
    do {
      // setsid forks and ends. cat goes on until the process lets go of its outputs, because it listens or
      // because it has ended.
      result = try await run(
        .name("sh"),
        arguments: Arguments(
          ["-c", #"setsid --fork "$0" "$@" 2>&1 | cat"#] + command
            + ["--listen", "\(listen)", "--directory", directory]),
        workingDirectory: "/", output: .string(limit: 64 * 1024), error: .discarded)
    } catch {
      throw SharedPortError.notStarted(reason: "\(error)")
    }
    guard result.standardOutput == SharedPortServer.readiness else {
      let text = result.standardOutput.split(separator: "\n").joined(separator: " ")
      throw SharedPortError.notStarted(
        reason: text.isEmpty ? "'\(command.joined(separator: " "))' ended without a word" : text)
    }
  }

  /// Ends it, with the connections that it carries; nothing to do when it does not run.
  public func stop() async throws {
    let lock = SharedPortLock(directory: directory)
    guard let process = try lock.holder()?.process else { return }
    // A suspended process does not take the first one.
    for signal in [SIGTERM, SIGKILL] {
      kill(process, signal)
      for _ in 0..<100 {
        guard try lock.holder()?.process == process else { return }
        try await Task.sleep(for: .milliseconds(20))
      }
    }
    throw SharedPortError.notStopped(process: process)
  }

  /// Replaces the peers, for the next connection on; connections that stand are left alone.
  public func install(_ peers: [SharedPortPeer]) throws {
    try makeDirectory()
    try SharedPortTable(directory: directory).write(peers)
  }

  /// Ends it and removes its files.
  public func remove() async throws {
    try await stop()
    for path in [SharedPortLock(directory: directory).path, SharedPortTable(directory: directory).path] {
      guard unlink(path) == 0 || errno == ENOENT else {
        throw SharedPortError.system(call: "unlink", path: path, code: errno)
      }
    }
  }

  private func makeDirectory() throws {
    guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
      throw SharedPortError.system(call: "mkdir", path: directory, code: errno)
    }
  }
}
