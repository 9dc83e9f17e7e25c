// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import CLinux
import Dispatch
import Glibc
import PBXLinkCore
import Subprocess
import Synchronization

@testable import PBXLinkSystem

/// A network namespace of a test's own, with loopback up.
final class NetworkNamespace: Sendable {
  let name: String
  let number: Int
  private static let serial = Atomic(0)

  /// Why such tests cannot run here; nil when they can.
  static let obstacle: String? =
    if geteuid() != 0 {
      "not root: no network namespaces can be made"
    } else if access("/usr/sbin/ip", X_OK) != 0 && access("/sbin/ip", X_OK) != 0 {
      "no ip: install iproute2"
    } else {
      nil
    }

  /// The same for tests of wireguard-go.
  static let tunnelObstacle: String? =
    obstacle
    ?? (["/usr/bin/wireguard-go", "/usr/bin/wg", "/dev/net/tun"] as [String])
    .first { access($0, F_OK) != 0 }.map { "no \($0): install wireguard-go and wireguard-tools" }

  /// The same for tests of the kernel's own, which a link of that kind makes it load. In the guest nothing is
  /// skipped.
  static let kernelTunnelObstacle: String? =
    obstacle
    ?? (getenv("PBXLINK_GUEST") != nil
      || system("unshare --net ip link add pbxlink type wireguard 2>/dev/null") == 0
      ? nil : "the running kernel has no WireGuard: Tests/KernelGuest/boot runs this on one that has")

  private init() {
    number = Self.serial.add(1, ordering: .relaxed).newValue
    name = "pbxlink-\(getpid())-\(number)"
  }

  /// Runs the body with so many new namespaces and removes them, with the processes in them, afterwards.
  static func with<Result>(
    count: Int, _ body: ([NetworkNamespace]) async throws -> Result
  ) async throws -> Result {
    let namespaces = (0..<count).map { _ in NetworkNamespace() }
    func cleanUp() async {
      for namespace in namespaces {
        for process in await namespace.processes() { kill(process, SIGKILL) }
        _ = try? await command("ip", "netns", "delete", namespace.name)
      }
    }
    do {
      for namespace in namespaces {
        try await command("ip", "netns", "add", namespace.name)
        try await namespace.ip("link", "set", "lo", "up")
      }
      let result = try await body(namespaces)
      await cleanUp()
      return result
    } catch {
      await cleanUp()
      throw error
    }
  }

  /// Runs the body on a thread in the namespace: the sockets that it opens stay there.
  func inside<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    let name = name
    return try await withCheckedThrowingContinuation { continuation in
      let box = Unmanaged.passRetained(
        Box {
          let descriptor = open("/run/netns/\(name)", O_RDONLY | O_CLOEXEC)
          defer { close(descriptor) }
          guard clinux_setns(descriptor, clinux_network_namespace) == 0 else {
            continuation.resume(throwing: KernelError("enter", name, errno: errno))
            return
          }
          continuation.resume(with: Swift.Result(catching: body))
        })
      var thread = pthread_t()
      pthread_create(
        &thread, nil,
        { argument in
          if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
          return nil
        }, box.toOpaque())
      pthread_detach(thread)
    }
  }

  /// Runs the body on this thread in the namespace: the sockets that it opens stay there.
  static func visit<Result, Failure>(
    _ name: String, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
    let there = open("/run/netns/\(name)", O_RDONLY | O_CLOEXEC)
    precondition(clinux_setns(there, clinux_network_namespace) == 0, "cannot enter \(name)")
    defer {
      clinux_setns(home, clinux_network_namespace)
      close(home)
      close(there)
    }
    return try body()
  }

  /// The processes in the namespace.
  func processes() async -> [pid_t] {
    let output = (try? await Self.command("ip", "netns", "pids", name)) ?? ""
    return output.split(separator: "\n").compactMap { pid_t($0) }
  }

  @discardableResult
  func ip(_ arguments: String...) async throws -> String {
    try await Self.command(["ip", "-n", name] + arguments)
  }

  @discardableResult
  func exec(_ arguments: String...) async throws -> String {
    try await Self.command(["ip", "netns", "exec", name] + arguments)
  }

  @discardableResult
  static func command(_ arguments: String...) async throws -> String { try await command(arguments) }

  static func command(_ arguments: [String]) async throws -> String {
    let result = try await run(
      .name(arguments[0]), arguments: Arguments(Array(arguments.dropFirst())),
      output: .string(limit: 1 << 20),
      error: .string(limit: 1 << 16))
    guard result.terminationStatus.isSuccess else {
      throw KernelError(
        arguments.joined(separator: " "), "\(result.terminationStatus)", reason: result.standardError)
    }
    return result.standardOutput
  }

  private final class Box {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }
}

/// Waits for a condition, 10 s at most; whether it came true.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
  let deadline = ContinuousClock.now + .seconds(10)
  while ContinuousClock.now < deadline {
    if try await condition() { return true }
    try await Task.sleep(for: .milliseconds(20))
  }
  return try await condition()
}
