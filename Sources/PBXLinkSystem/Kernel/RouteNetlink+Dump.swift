// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink
internal import Glibc
internal import PBXLinkCore

/// Numbers of metrics (linux/rtnetlink.h).
enum RouteMetric {
  /// `RTAX_MTU`.
  static let mtu: Int32 = 2
}

extension RouteNetlink {
  /// Our own routes, by what they do.
  struct OwnRoutes: Hashable {
    /// Through the interface asked for.
    var routes: Set<IPPrefix> = []
    /// Those with an MTU of their own, in bytes.
    var mtus: [IPPrefix: Int] = [:]
    /// The `unreachable` ones.
    var guards: Set<IPPrefix> = []
  }

  struct FoundAddress: Hashable {
    let interfaceIndex: Int32
    let address: InterfaceAddress
    let isLinkScope: Bool
  }

  // ip route show proto 201; ip -6 route show proto 201
  func ownRoutes(throughIndex index: Int32?) throws(KernelError) -> OwnRoutes {
    let cache = try socket.cache("read routes", "the main table") {
      rtnl_route_alloc_cache($0, AF_UNSPEC, 0, $1)
    }
    defer { nl_cache_free(cache) }
    var found = OwnRoutes()
    forEachObject(of: cache) { route in
      guard rtnl_route_get_protocol(route) == Self.routeProtocol,
        rtnl_route_get_table(route) == UInt32(RT_TABLE_MAIN.rawValue),
        let destination = Self.address(
          rtnl_route_get_dst(route), family: Int32(rtnl_route_get_family(route)))
      else { return }
      if rtnl_route_get_type(route) == UInt8(RTN_UNREACHABLE) {
        found.guards.insert(destination.network)
      } else if let hop = rtnl_route_nexthop_n(route, 0), rtnl_route_nh_get_ifindex(hop) == index {
        var mtu: UInt32 = 0
        if rtnl_route_get_metric(route, RouteMetric.mtu, &mtu) == 0 {
          found.mtus[destination.network] = Int(mtu)
        } else {
          found.routes.insert(destination.network)
        }
      }
    }
    return found
  }

  // ip address show
  func addresses() throws(KernelError) -> [FoundAddress] {
    let cache = try socket.cache("read addresses", "all interfaces") { rtnl_addr_alloc_cache($0, $1) }
    defer { nl_cache_free(cache) }
    var found: [FoundAddress] = []
    forEachObject(of: cache) { object in
      guard
        let local = Self.address(rtnl_addr_get_local(object), family: rtnl_addr_get_family(object)),
        let address = InterfaceAddress(local.address, length: Int(rtnl_addr_get_prefixlen(object)))
      else { return }
      found.append(
        FoundAddress(
          interfaceIndex: rtnl_addr_get_ifindex(object), address: address,
          isLinkScope: rtnl_addr_get_scope(object) == Int32(RT_SCOPE_LINK.rawValue)))
    }
    return found
  }

  func linkNames() throws(KernelError) -> [Int32: String] {
    try eachLink { link in rtnl_link_get_name(link).map { String(cString: $0) } }
  }

  /// In bytes.
  func linkMTUs() throws(KernelError) -> [Int32: Int] { try eachLink { Int(rtnl_link_get_mtu($0)) } }

  /// Something of every link, by index.
  // ip link show
  private func eachLink<Value>(_ value: (OpaquePointer) -> Value?) throws(KernelError) -> [Int32: Value] {
    let cache = try socket.cache("read links", "all interfaces") { rtnl_link_alloc_cache($0, AF_UNSPEC, $1) }
    defer { nl_cache_free(cache) }
    var values: [Int32: Value] = [:]
    forEachObject(of: cache) { values[rtnl_link_get_ifindex($0)] = value($0) }
    return values
  }

  func forEachObject(of cache: OpaquePointer?, _ body: (OpaquePointer) -> Void) {
    var object = nl_cache_get_first(cache)
    while let current = object {
      body(current)
      object = nl_cache_get_next(current)
    }
  }

  /// An `nl_addr`; the all-zero prefix has no bytes, hence the family beside it.
  static func address(_ address: OpaquePointer?, family: Int32) -> InterfaceAddress? {
    guard let address, family == AF_INET || family == AF_INET6 else { return nil }
    let bytes = UnsafeRawBufferPointer(
      start: nl_addr_get_binary_addr(address), count: Int(nl_addr_get_len(address)))
    let value =
      bytes.isEmpty ? IPAddress(family: family == AF_INET ? .v4 : .v6, value: 0) : IPAddress(bytes: bytes)
    return value.flatMap { InterfaceAddress($0, length: Int(nl_addr_get_prefixlen(address))) }
  }
}
