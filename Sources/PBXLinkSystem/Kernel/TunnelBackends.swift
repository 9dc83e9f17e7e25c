// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
public import PBXLinkCore

/// The choice between the backends.
public enum TunnelBackends {
  /// A backend and why it was taken.
  public struct Choice: Sendable {
    /// The backend.
    public let backend: any TunnelBackend
    /// One sentence for the log and for `doctor`.
    public let reason: String
  }

  /// Takes the backend that the configuration asks for; `auto` takes the kernel's where there is one.
  ///
  /// The socket decides on the network namespace; without one it is that of the calling thread.
  /// Fails when the kernel's is demanded and missing, or when wireguard-go is needed and missing.
  public static func choose(
    _ wanted: Configuration.TunnelBackend, kernel socket: RouteNetlink? = nil
  ) async throws -> Choice {
    let kernel = try socket ?? RouteNetlink()
    switch wanted {
    case .userspace:
      return Choice(
        backend: try UserspaceWireGuard(kernel), reason: "tunnel.backend asks for wireguard-go")
    case .kernel:
      guard try await kernelHasWireGuard(kernel) else {
        throw KernelError(
          "use the kernel's WireGuard", "this host", reason: "the running kernel has no link type wireguard",
          remedy: "load the module ('modprobe wireguard') or set tunnel.backend to auto or userspace")
      }
      return Choice(
        backend: try KernelWireGuard(kernel), reason: "tunnel.backend asks for the kernel's WireGuard")
    case .auto:
      if try await kernelHasWireGuard(kernel) {
        return Choice(backend: try KernelWireGuard(kernel), reason: "the kernel has WireGuard")
      }
      return Choice(
        backend: try UserspaceWireGuard(kernel),
        reason: "the running kernel has no link type wireguard, so wireguard-go carries the tunnel")
    }
  }

  /// Tries with a throw-away link, which also loads the module where it is to be had.
  static func kernelHasWireGuard(_ kernel: RouteNetlink) async throws(KernelError) -> Bool {
    let probe = "pbxlink-probe"
    do {
      try await kernel.createLink(probe, kind: "wireguard")
    } catch let error where error.errno == EOPNOTSUPP {
      return false
    } catch let error where error.errno == EEXIST {
      // Left behind by a probe that was killed; it can only be there if the kind exists.
    }
    try await kernel.deleteLink(probe)
    return true
  }
}
