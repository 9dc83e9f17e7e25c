// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

/// WireGuard in the kernel.
public struct KernelWireGuard: TunnelBackend {
  private let plane: WireGuardPlane

  /// `kernel`.
  public let name = Configuration.TunnelBackend.kernel

  /// Opens a generic netlink socket in the network namespace of the calling thread, which must be the one that
  /// `kernel` was opened in.
  public init(_ kernel: RouteNetlink) throws(KernelError) {
    plane = WireGuardPlane(kernel: kernel, device: try WireGuardNetlink(kernel))
  }

  /// Reads the interface back.
  public func observe(interface: String) async throws -> ObservedTunnel? {
    try await plane.observe(interface)
  }

  /// Carries changes out in their order.
  public func apply(_ changes: [TunnelChange], to configuration: TunnelConfiguration) async throws {
    try await plane.apply(changes, to: configuration)
  }

  /// Deletes the interface and our guard routes.
  public func remove(interface: String) async throws { try await plane.remove(interface) }
}
