// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink
internal import Glibc
internal import PBXLinkCore

/// The kernel's WireGuard devices by generic netlink.
actor WireGuardNetlink: WireGuardDevice {
  private let executor = QueueExecutor("wireguard-netlink")
  private let kernel: RouteNetlink
  private let socket: NetlinkSocket
  /// The number of the family; known once the module is loaded, which making a link does.
  private var family: Int32?

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  nonisolated let linkKind = "wireguard"

  /// Opens the socket in the network namespace of the calling thread.
  init(_ kernel: RouteNetlink) throws(KernelError) {
    self.kernel = kernel
    socket = try NetlinkSocket.open(family: NETLINK_GENERIC)
  }

  // ip link add NAME type wireguard
  func create(_ interface: String) async throws { try await kernel.createLink(interface, kind: linkKind) }

  /// Peers that go with the link cost a whole RCU grace period each, some 20 ms; removed before it, an expedited
  /// one, less than 1 ms. A real-time kernel has no expedited ones, and would hold the rtnl lock meanwhile.
  // wg set NAME peer KEY remove …; ip link delete NAME
  func delete(_ interface: String) async throws {
    // Fails where the link is none of WireGuard's, which has no peers.
    if access("/sys/kernel/realtime", F_OK) != 0, let state = try? state(interface) {
      try configure(
        interface, WireGuardSettings(peers: state.peers.keys.map { .init(publicKey: $0, remove: true) }))
    }
    try await kernel.deleteLink(interface)
  }

  // wg show NAME dump
  func state(_ interface: String) throws -> WireGuardState? {
    let operation = "read the WireGuard device"
    let family = try resolvedFamily(interface)
    var request = NetlinkAttributeWriter()
    request.put(Int(WGDEVICE_A_IFNAME.rawValue), string: interface)
    var messages: [[UInt8]] = []
    try socket.dump(operation, interface) {
      messages = []
      return withUnsafeMutablePointer(to: &messages) { messages in
        nl_socket_modify_cb(
          socket.pointer, NL_CB_VALID, NL_CB_CUSTOM,
          { message, argument in
            let header = genlmsg_hdr(nlmsg_hdr(message))
            let attributes = UnsafeRawBufferPointer(
              start: genlmsg_attrdata(header, 0), count: Int(genlmsg_attrlen(header, 0)))
            argument?.assumingMemoryBound(to: [[UInt8]].self).pointee.append(Array(attributes))
            return Int32(NL_OK.rawValue)
          }, messages)
        let sent = send(
          request.bytes, family: family, command: WG_CMD_GET_DEVICE, flags: NLM_F_DUMP, name: interface)
        return sent < 0 ? sent : nl_recvmsgs_default(socket.pointer)
      }
    }
    guard let state = WireGuardMessage.device(messages) else {
      throw KernelError(operation, interface, reason: "the kernel's answer is malformed")
    }
    return state
  }

  // wg set NAME …
  func configure(_ interface: String, _ settings: WireGuardSettings) throws {
    let family = try resolvedFamily(interface)
    for attributes in WireGuardMessage.set(interface, settings) {
      let operation = "configure WireGuard"
      try socket.check(
        send(attributes, family: family, command: WG_CMD_SET_DEVICE, flags: NLM_F_ACK, name: interface),
        operation, interface)
      try socket.check(nl_wait_for_ack(socket.pointer), operation, interface)
    }
  }

  private func resolvedFamily(_ interface: String) throws(KernelError) -> Int32 {
    if let family { return family }
    let found = genl_ctrl_resolve(socket.pointer, WG_GENL_NAME)
    try socket.check(found, "find the kernel's WireGuard", interface)
    family = found
    return found
  }

  private func send(
    _ attributes: [UInt8], family: Int32, command: wg_cmd, flags: Int32, name: String
  ) -> Int32 {
    // nlmsg_alloc() would be one page.
    guard let message = nlmsg_alloc_size(attributes.count + 64) else { return -NLE_NOMEM }
    defer { nlmsg_free(message) }
    guard
      genlmsg_put(
        message, 0, 0, family, 0, NLM_F_REQUEST | flags, UInt8(command.rawValue), UInt8(WG_GENL_VERSION))
        != nil
    else { return -NLE_NOMEM }
    let appended = attributes.withUnsafeBytes {
      nlmsg_append(message, UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count, Int32(NLMSG_ALIGNTO))
    }
    return appended < 0 ? appended : nl_send_auto(socket.pointer, message)
  }
}
