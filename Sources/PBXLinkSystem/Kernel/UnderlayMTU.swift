// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

/// The largest packets that go out towards other sites.
public enum UnderlayMTU {
  /// The smallest MTU, in bytes, on the ways to these addresses: that of the interface, of the route if it has
  /// one, and of the path as far as the kernel has learned it. Nil when there is a way to none of them.
  ///
  /// The socket decides on the network namespace; without one it is that of the calling thread.
  public static func smallest(
    towards addresses: Set<IPAddress>, kernel socket: RouteNetlink? = nil
  ) async throws -> Int? {
    let kernel = try socket ?? RouteNetlink()
    return try await kernel.smallestMTU(towards: addresses)
  }
}

extension RouteNetlink {
  // ip link show; ip route get ADDRESS …
  fileprivate func smallestMTU(towards addresses: Set<IPAddress>) throws(KernelError) -> Int? {
    let links = try linkMTUs()
    var smallest: Int?
    for address in addresses {
      guard let way = try way(to: address), let ofLink = links[way.link] else { continue }
      let mtu = min(ofLink, way.mtu ?? ofLink)
      smallest = min(smallest ?? mtu, mtu)
    }
    return smallest
  }
}
