// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

/// Stands in where no implementation of WireGuard is to be had: what needs one fails with the reason, and what
/// an earlier one has left can still be taken away.
struct MissingTunnel: TunnelBackend {
  let name = Configuration.TunnelBackend.userspace
  let reason: KernelError

  func observe(interface: String) async throws -> ObservedTunnel? { throw reason }

  func apply(_ changes: [TunnelChange], to configuration: TunnelConfiguration) async throws { throw reason }

  // ip link delete pbxlink0; ip route delete unreachable …
  func remove(interface: String) async throws {
    let kernel = try RouteNetlink()
    if try await kernel.link(interface) != nil { try await kernel.deleteLink(interface) }
    for prefix in try await kernel.ownRoutes(throughIndex: nil).guards {
      try await kernel.deleteGuard(prefix)
    }
  }
}
