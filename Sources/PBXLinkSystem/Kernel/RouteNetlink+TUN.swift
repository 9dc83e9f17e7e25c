// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CLinux
internal import CNetlink
internal import Glibc
internal import PBXLinkCore

/// TUN devices and routes to single hosts through them.
extension RouteNetlink {
  /// Makes a TUN device that `owner` may use and that stays when nobody does. It lies in the namespace of the
  /// netlink socket.
  // ip tuntap add dev NAME mode tun user OWNER
  func createTUN(_ name: String, owner: uid_t) throws(KernelError) {
    guard clinux_create_tun(name, owner, nl_socket_get_fd(socket.pointer)) == 0 else {
      throw KernelError("create a TUN device", name, tunErrno: errno)
    }
  }

  /// The links with a name that passes, by name. A TAP device is of another kind than a TUN device here, though
  /// not for the kernel.
  // ip -details link show
  func links(named isWanted: (String) -> Bool) throws(KernelError) -> [String: Link] {
    let cache = try socket.cache("read links", "all interfaces") { rtnl_link_alloc_cache($0, AF_UNSPEC, $1) }
    defer { nl_cache_free(cache) }
    let arpTypeNone: UInt32 = 0xfffe  // ARPHRD_NONE of linux/if_arp.h
    var found: [String: Link] = [:]
    forEachObject(of: cache) { link in
      guard let name = rtnl_link_get_name(link).map({ String(cString: $0) }), isWanted(name) else { return }
      let kind = rtnl_link_get_type(link).map { String(cString: $0) } ?? "device"
      found[name] = Link(
        index: rtnl_link_get_ifindex(link),
        kind: kind == "tun" && rtnl_link_get_arptype(link) != arpTypeNone ? "tap" : kind,
        mtu: Int(rtnl_link_get_mtu(link)), isUp: rtnl_link_get_flags(link) & UInt32(IFF_UP.rawValue) != 0)
    }
    return found
  }

  /// Our routes through the interfaces, by the index of the interface.
  // ip route show proto 201; ip -6 route show proto 201
  func ownRoutesByInterface() throws(KernelError) -> [Int32: Set<OpenVPNRoute>] {
    let cache = try socket.cache("read routes", "the main table") {
      rtnl_route_alloc_cache($0, AF_UNSPEC, 0, $1)
    }
    defer { nl_cache_free(cache) }
    var found: [Int32: Set<OpenVPNRoute>] = [:]
    forEachObject(of: cache) { route in
      let family = Int32(rtnl_route_get_family(route))
      guard rtnl_route_get_protocol(route) == Self.routeProtocol,
        rtnl_route_get_table(route) == UInt32(RT_TABLE_MAIN.rawValue),
        rtnl_route_get_type(route) == UInt8(RTN_UNICAST), let hop = rtnl_route_nexthop_n(route, 0),
        let destination = Self.address(rtnl_route_get_dst(route), family: family)
      else { return }
      let source = Self.address(rtnl_route_get_pref_src(route), family: family)
      found[rtnl_route_nh_get_ifindex(hop), default: []].insert(
        OpenVPNRoute(
          destination.network, source: source?.address, metric: rtnl_route_get_priority(route)))
    }
    return found
  }

  // ip route replace DESTINATION dev NAME src SOURCE proto 201 metric METRIC
  func replace(_ route: OpenVPNRoute, through name: String) throws(KernelError) {
    let operation = "add route \(route)"
    let object = try routeObject(route, through: name, operation)
    defer { rtnl_route_put(object) }
    if let source = route.source {
      let address = try libnlAddress(source, length: source.family.bitWidth, operation, name)
      defer { nl_addr_put(address) }
      try socket.check(rtnl_route_set_pref_src(object, address), operation, name)
    }
    try socket.check(rtnl_route_add(socket.pointer, object, NLM_F_REPLACE), operation, name)
  }

  // ip route delete DESTINATION dev NAME proto 201 metric METRIC
  func delete(_ route: OpenVPNRoute, through name: String) throws(KernelError) {
    let operation = "remove route \(route)"
    let object = try routeObject(route, through: name, operation)
    defer { rtnl_route_put(object) }
    try ignoring([ESRCH], rtnl_route_delete(socket.pointer, object, 0), operation, name)
  }

  private func routeObject(
    _ route: OpenVPNRoute, through name: String, _ operation: String
  ) throws(KernelError) -> OpaquePointer {
    let object = try routeObject(route.destination, through: try index(of: name, operation), operation)
    rtnl_route_set_priority(object, route.metric)
    return object
  }
}

extension KernelError {
  fileprivate init(_ operation: String, _ object: String, tunErrno code: Int32) {
    switch code {
    case ENOENT, ENODEV, ENXIO:
      self.init(
        operation, object, reason: "/dev/net/tun: \(String(cString: strerror(code)))",
        remedy: "load the module ('modprobe tun'), or give the container the device")
    default: self.init(operation, object, errno: code)
    }
  }
}
