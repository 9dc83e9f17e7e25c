// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink
internal import Glibc
internal import PBXLinkCore

/// Links, addresses and routes by rtnetlink (NETLINK_ROUTE, rtnetlink(7)).
public actor RouteNetlink {
  /// The `rtm_protocol` of every route that we make, so that ours can be told from anyone else's.
  static let routeProtocol: UInt8 = 201
  /// The metric of a route through the interface.
  static let routeMetric: UInt32 = 100
  /// The metric of the `unreachable` route behind it.
  static let guardMetric: UInt32 = 1_000_000

  struct Link: Hashable {
    let index: Int32
    let kind: String
    let mtu: Int
    let isUp: Bool
  }

  let socket: NetlinkSocket
  private let executor = QueueExecutor("rtnetlink")

  /// Runs on a queue of its own: a request waits for the kernel's answer.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Opens the socket in the network namespace of the calling thread.
  public init() throws(KernelError) { socket = try NetlinkSocket.open(family: NETLINK_ROUTE) }

  // ip -details link show dev NAME
  func link(_ name: String) throws(KernelError) -> Link? {
    guard let link = try kernelLink(name) else { return nil }
    defer { rtnl_link_put(link) }
    return Link(
      index: rtnl_link_get_ifindex(link),
      kind: rtnl_link_get_type(link).map { String(cString: $0) } ?? "device",
      mtu: Int(rtnl_link_get_mtu(link)), isUp: rtnl_link_get_flags(link) & UInt32(IFF_UP.rawValue) != 0)
  }

  // ip link add NAME type KIND
  func createLink(_ name: String, kind: String) throws(KernelError) {
    let link = try allocated(rtnl_link_alloc(), "create a link", name)
    defer { rtnl_link_put(link) }
    rtnl_link_set_name(link, name)
    try socket.check(rtnl_link_set_type(link, kind), "create a link of type \(kind)", name)
    try socket.check(
      rtnl_link_add(socket.pointer, link, NLM_F_CREATE | NLM_F_EXCL), "create a link of type \(kind)", name)
  }

  // ip link delete NAME
  func deleteLink(_ name: String) throws(KernelError) {
    guard let link = try kernelLink(name) else { return }
    defer { rtnl_link_put(link) }
    try ignoring([ENODEV], rtnl_link_delete(socket.pointer, link), "delete the link", name)
  }

  // ip link set NAME mtu MTU
  func setMTU(_ name: String, _ mtu: Int) throws(KernelError) {
    try changeLink(name, "set MTU \(mtu)") { rtnl_link_set_mtu($0, UInt32(mtu)) }
  }

  // ip link set NAME up
  func setUp(_ name: String) throws(KernelError) {
    try changeLink(name, "set the link up") { rtnl_link_set_flags($0, UInt32(IFF_UP.rawValue)) }
  }

  // ip address replace ADDRESS dev NAME
  func addAddress(_ address: InterfaceAddress, to name: String) throws(KernelError) {
    let operation = "add address \(address)"
    let object = try addressObject(address, on: name, operation)
    defer { rtnl_addr_put(object) }
    try socket.check(rtnl_addr_add(socket.pointer, object, NLM_F_REPLACE), operation, name)
  }

  // ip address delete ADDRESS dev NAME
  func deleteAddress(_ address: InterfaceAddress, from name: String) throws(KernelError) {
    let operation = "remove address \(address)"
    let object = try addressObject(address, on: name, operation)
    defer { rtnl_addr_put(object) }
    try ignoring([EADDRNOTAVAIL], rtnl_addr_delete(socket.pointer, object, 0), operation, name)
  }

  // ip route replace PREFIX dev NAME proto 201 metric 100 [mtu MTU]
  func replaceRoute(_ prefix: IPPrefix, through name: String, mtu: Int? = nil) throws(KernelError) {
    let operation = "add route \(prefix)"
    let route = try routeObject(prefix, through: try index(of: name, operation), operation)
    defer { rtnl_route_put(route) }
    if let mtu {
      try socket.check(
        rtnl_route_set_metric(route, RouteMetric.mtu, UInt32(clamping: mtu)), operation, name)
    }
    try socket.check(rtnl_route_add(socket.pointer, route, NLM_F_REPLACE), operation, name)
  }

  // ip route delete PREFIX dev NAME proto 201 metric 100
  func deleteRoute(_ prefix: IPPrefix, through name: String) throws(KernelError) {
    let operation = "remove route \(prefix)"
    let route = try routeObject(prefix, through: try index(of: name, operation), operation)
    defer { rtnl_route_put(route) }
    try ignoring([ESRCH], rtnl_route_delete(socket.pointer, route, 0), operation, name)
  }

  // ip route replace unreachable PREFIX proto 201 metric 1000000
  func replaceGuard(_ prefix: IPPrefix) throws(KernelError) {
    let operation = "add route unreachable \(prefix)"
    let route = try routeObject(prefix, through: nil, operation)
    defer { rtnl_route_put(route) }
    try socket.check(rtnl_route_add(socket.pointer, route, NLM_F_REPLACE), operation, "the main table")
  }

  // ip route delete unreachable PREFIX proto 201 metric 1000000
  func deleteGuard(_ prefix: IPPrefix) throws(KernelError) {
    let operation = "remove route unreachable \(prefix)"
    let route = try routeObject(prefix, through: nil, operation)
    defer { rtnl_route_put(route) }
    try ignoring([ESRCH], rtnl_route_delete(socket.pointer, route, 0), operation, "the main table")
  }
}

extension RouteNetlink {
  /// Nil where no link has the name.
  private func kernelLink(_ name: String) throws(KernelError) -> OpaquePointer? {
    var link: OpaquePointer?
    try ignoring([ENODEV], rtnl_link_get_kernel(socket.pointer, 0, name, &link), "read the link", name)
    return link
  }

  func index(of name: String, _ operation: String) throws(KernelError) -> Int32 {
    guard let link = try link(name) else { throw KernelError(operation, name, errno: ENODEV) }
    return link.index
  }

  private func changeLink(
    _ name: String, _ operation: String, _ change: (OpaquePointer) -> Void
  ) throws(KernelError) {
    guard let link = try kernelLink(name) else { throw KernelError(operation, name, errno: ENODEV) }
    defer { rtnl_link_put(link) }
    let changes = try allocated(rtnl_link_alloc(), operation, name)
    defer { rtnl_link_put(changes) }
    change(changes)
    try socket.check(rtnl_link_change(socket.pointer, link, changes, 0), operation, name)
  }

  private func addressObject(
    _ address: InterfaceAddress, on name: String, _ operation: String
  ) throws(KernelError) -> OpaquePointer {
    let index = try index(of: name, operation)
    let local = try libnlAddress(address.address, length: address.length, operation, name)
    defer { nl_addr_put(local) }
    let object = try allocated(rtnl_addr_alloc(), operation, name)
    rtnl_addr_set_ifindex(object, index)
    rtnl_addr_set_local(object, local)
    return object
  }

  /// A route through the interface with this index, or an `unreachable` one for nil.
  func routeObject(
    _ prefix: IPPrefix, through index: Int32?, _ operation: String
  ) throws(KernelError) -> OpaquePointer {
    let destination = try libnlAddress(prefix.address, length: prefix.length, operation, "the main table")
    defer { nl_addr_put(destination) }
    let route = try allocated(rtnl_route_alloc(), operation, "the main table")
    rtnl_route_set_family(route, UInt8(prefix.family == .v4 ? AF_INET : AF_INET6))
    rtnl_route_set_dst(route, destination)
    rtnl_route_set_table(route, UInt32(RT_TABLE_MAIN.rawValue))
    rtnl_route_set_protocol(route, Self.routeProtocol)
    rtnl_route_set_priority(route, index == nil ? Self.guardMetric : Self.routeMetric)
    if let index {
      rtnl_route_set_type(route, UInt8(RTN_UNICAST))
      let hop = try allocated(rtnl_route_nh_alloc(), operation, "the main table")
      rtnl_route_nh_set_ifindex(hop, index)
      rtnl_route_add_nexthop(route, hop)
    } else {
      rtnl_route_set_type(route, UInt8(RTN_UNREACHABLE))
      rtnl_route_set_scope(route, UInt8(RT_SCOPE_UNIVERSE.rawValue))
    }
    return route
  }

  func libnlAddress(
    _ address: IPAddress, length: Int, _ operation: String, _ object: String
  ) throws(KernelError) -> OpaquePointer {
    let bytes = address.bytes
    let built = try allocated(
      nl_addr_build(address.family == .v4 ? AF_INET : AF_INET6, bytes, bytes.count), operation, object)
    nl_addr_set_prefixlen(built, Int32(length))
    return built
  }

  func allocated(
    _ pointer: OpaquePointer?, _ operation: String, _ object: String
  ) throws(KernelError) -> OpaquePointer {
    guard let pointer else { throw KernelError(operation, object, errno: ENOMEM) }
    return pointer
  }

  /// Takes answers that mean "it was so already" for success.
  func ignoring(
    _ errors: [Int32], _ result: Int32, _ operation: String, _ object: String
  ) throws(KernelError) {
    do {
      try socket.check(result, operation, object)
    } catch  where error.errno.map(errors.contains) ?? false {
      return
    }
  }
}
