// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink
internal import Glibc
public import PBXLinkCore

/// Where the kernel sends packets.
public enum RouteLookup {
  /// The name of the interface that packets to an address leave by; nil when there is no route to it, or one that
  /// says `unreachable`. Rules of `ip rule` count.
  ///
  /// The socket decides on the network namespace; without one it is that of the calling thread.
  public static func interface(
    towards address: IPAddress, kernel socket: RouteNetlink? = nil
  ) async throws -> String? {
    let kernel = try socket ?? RouteNetlink()
    guard let way = try await kernel.way(to: address) else { return nil }
    return try await kernel.linkNames()[way.link]
  }
}

extension RouteNetlink {
  /// The interface that packets to the address leave by, and what the route says of the MTU; nil without a route.
  // ip route get ADDRESS
  func way(to address: IPAddress) throws(KernelError) -> (link: Int32, mtu: Int?)? {
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
