// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import PBXLinkCore
internal import Subprocess
internal import SystemPackage

/// The devices that wireguard-go processes carry.
struct WireGuardProcess: WireGuardDevice {
  let linkKind = "tun"
  private let kernel: RouteNetlink
  private let executable: String
  private let arguments: [String]
  private let sockets = UAPISocket()

  init(_ kernel: RouteNetlink, command: [String]) throws(KernelError) {
    guard let program = command.first, let path = Self.find(program) else {
      throw KernelError(
        "use WireGuard in user space", command.first ?? "an empty command", reason: "no such program",
        remedy: "install it with 'apt install wireguard-go'")
    }
    self.kernel = kernel
    executable = path
    arguments = Array(command.dropFirst())
  }

  /// Starts wireguard-go, which makes the TUN device and its control socket before it goes into the background.
  // wireguard-go NAME
  func create(_ interface: String) async throws {
    var options = PlatformOptions()
    options.createSession = true  // a signal to the agent's process group must not reach the tunnel
    let result: ExecutionResult<Void, StringOutput<UTF8>, StringOutput<UTF8>>
    do {
      result = try await run(
        .path(FilePath(executable)), arguments: Arguments(arguments + [interface]),
        // With LOG_LEVEL the daemon would keep our output streams open for good.
        environment: .inherit.updating(["LOG_LEVEL": nil]), workingDirectory: "/", platformOptions: options,
        output: .string(limit: 64 * 1024), error: .string(limit: 64 * 1024))
    } catch {
      throw KernelError("start \(executable)", interface, reason: "\(error)")
    }
    guard result.terminationStatus.isSuccess else {
      let lines = (result.standardError + result.standardOutput).split(separator: "\n")
      // The box around the banner is not about the failure.
      let text = lines.filter { !"┌│└".contains($0.first ?? " ") }.joined(separator: " ")
      throw KernelError(
        "start \(executable)", interface, reason: text.isEmpty ? "\(result.terminationStatus)" : text)
    }
    // The daemon takes the device over, and sets its default MTU once more, after its parent has ended.
    guard try await state(interface) != nil else {
      throw KernelError("start \(executable)", interface, reason: "it ended as soon as it had started")
    }
  }

  /// Deletes the TUN device and waits until the process has taken its control socket away: it would take the
  /// socket of a successor, too.
  // ip link delete NAME
  func delete(_ interface: String) async throws {
    try await kernel.deleteLink(interface)
    for _ in 0..<250 {
      guard await sockets.isAlive(interface) else { return }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw KernelError(
      "stop wireguard-go", interface, reason: "it still runs 5 s after its interface was deleted")
  }

  // wg show NAME dump
  func state(_ interface: String) async throws -> WireGuardState? {
    guard let answer = try await sockets.exchange(interface, "get=1\n\n", "read the WireGuard device") else {
      return nil
    }
    return try UAPI.state(answer, of: interface)
  }

  // wg set NAME …
  func configure(_ interface: String, _ settings: WireGuardSettings) async throws {
    let operation = "configure WireGuard"
    guard let answer = try await sockets.exchange(interface, UAPI.set(settings), operation) else {
      throw KernelError(operation, interface, reason: "wireguard-go does not run for it")
    }
    try UAPI.check(answer, operation, interface)
  }

  private static func find(_ program: String) -> String? {
    guard !program.contains("/") else { return access(program, X_OK) == 0 ? program : nil }
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/sbin:/usr/bin:/sbin:/bin"
    return path.split(separator: ":").map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
  }
}
