// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink
internal import Glibc
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

  /// The interface that packets to the address leave by, and what the route says of the MTU; nil without a route.
  private func way(to address: IPAddress) throws(KernelError) -> (link: Int32, mtu: Int?)? {
    let operation = "look up the route to \(address)"
    let bytes = address.bytes
    guard let destination = nl_addr_build(address.family == .v4 ? AF_INET : AF_INET6, bytes, bytes.count)
    else { throw KernelError(operation, "the main table", errno: ENOMEM) }
    defer { nl_addr_put(destination) }
    var found: OpaquePointer?
    do {
      try socket.check(rtnl_route_lookup(socket.pointer, destination, &found), operation, "the main table")
    } catch  where [ENETUNREACH, EHOSTUNREACH, ESRCH].contains(error.errno) {
      return nil
    }
    guard let route = found else { return nil }
    defer { rtnl_route_put(route) }
    guard let hop = rtnl_route_nexthop_n(route, 0) else { return nil }
    var metric: UInt32 = 0
    let hasMetric = rtnl_route_get_metric(route, Int32(RTAX_MTU), &metric) == 0 && metric > 0
    return (rtnl_route_nh_get_ifindex(hop), hasMetric ? Int(metric) : nil)
  }
}
