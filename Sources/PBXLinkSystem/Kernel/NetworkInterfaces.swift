// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

/// What the interfaces of this host occupy, so that no mesh network is laid over an office's own one.
public enum NetworkInterfaces {
  /// One address of one interface.
  public struct Entry: Hashable, Sendable {
    /// The interface name.
    public let interface: String
    /// The address with its prefix length.
    public let address: InterfaceAddress
    /// The network that the interface is in.
    public var prefix: IPPrefix { address.network }
  }

  /// The addresses in the kernel's order, without those of link scope. The socket decides on the network
  /// namespace; without one it is that of the calling thread. As `ip address show`.
  public static func list(kernel socket: RouteNetlink? = nil) async throws -> [Entry] {
    let kernel = try socket ?? RouteNetlink()
    let names = try await kernel.linkNames()
    return try await kernel.addresses().compactMap { found in
      guard !found.isLinkScope, let name = names[found.interfaceIndex] else { return nil }
      return Entry(interface: name, address: found.address)
    }
  }
}
