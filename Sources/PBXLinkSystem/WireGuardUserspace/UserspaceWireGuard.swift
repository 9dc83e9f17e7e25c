// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

/// WireGuard by `wireguard-go`, one process an interface, for kernels without it.
///
/// The process is a daemon in a session of its own, so that the tunnel goes on when the agent stops or dies; it
/// ends when its interface is deleted. The other way round the interface goes with the process, which
/// ``KernelEvent/link(name:present:isUp:)`` reports and ``observe(interface:)`` shows as a missing link.
public struct UserspaceWireGuard: TunnelBackend {
  private let plane: WireGuardPlane

  /// `userspace`.
  public let name = Configuration.TunnelBackend.userspace

  /// The backend for the network namespace of `kernel`; `command` starts wireguard-go there, with the interface
  /// name added as last argument. Fails when the command is not to be found.
  public init(_ kernel: RouteNetlink, command: [String] = ["wireguard-go"]) throws(KernelError) {
    plane = WireGuardPlane(kernel: kernel, device: try WireGuardProcess(kernel, command: command))
  }

  /// Reads the interface back.
  public func observe(interface: String) async throws -> ObservedTunnel? {
    try await plane.observe(interface)
  }

  /// Carries changes out in their order.
  public func apply(_ changes: [TunnelChange], to configuration: TunnelConfiguration) async throws {
    try await plane.apply(changes, to: configuration)
  }

  /// Deletes the interface, with which wireguard-go ends, and our guard routes.
  public func remove(interface: String) async throws { try await plane.remove(interface) }
}
