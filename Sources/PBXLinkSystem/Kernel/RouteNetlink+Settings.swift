// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink
internal import Glibc

/// IPv4 settings of one interface, by the attributes of its link: /proc/sys may be read-only.
struct InterfaceSettings: Hashable, Sendable {
  /// Whether it drops packets by where their answer would leave (RFC 3704 §2.2). What `conf/all` says comes on top and
  /// is not ours to change.
  var filtersReversePath = false
  /// Whether packets that arrive by it for others are passed on.
  var forwards = false
}

extension RouteNetlink {
  /// Numbers of linux/if_link.h and linux/ip.h.
  private static let inetConfiguration = 1  // IFLA_INET_CONF
  private static let forwarding = 1  // IPV4_DEVCONF_FORWARDING
  private static let sendRedirects = 6  // IPV4_DEVCONF_SEND_REDIRECTS
  private static let reversePathFilter = 8  // IPV4_DEVCONF_RP_FILTER

  /// The settings of an interface; one that is not there has none.
  // sysctl net.ipv4.conf.NAME.rp_filter net.ipv4.conf.NAME.forwarding
  func settings(of name: String) throws(KernelError) -> InterfaceSettings {
    let operation = "read the IPv4 settings"
    guard let link = try link(name) else { return InterfaceSettings() }
    let message = try linkMessage(RTM_GETLINK, link.index, name, operation)
    defer { nlmsg_free(message) }
    let payload = try socket.answer(to: message, operation, name)
    let values = [IFLA_AF_SPEC, Int(AF_INET), Self.inetConfiguration].reduce(
      Optional(payload.dropFirst(MemoryLayout<ifinfomsg>.size))
    ) { bytes, type in
      bytes.flatMap(NetlinkAttribute.parse)?.first { $0.type == type }?.payload
    }
    // An array of all settings, the first of which has number 1.
    func isOn(_ setting: Int) -> Bool { values?.integer(UInt32.self, at: (setting - 1) * 4) ?? 0 != 0 }
    return InterfaceSettings(
      filtersReversePath: isOn(Self.reversePathFilter), forwards: isOn(Self.forwarding))
  }

  /// Leaves it to our firewall, which knows the source addresses of each interface. Even the loose filter drops
  /// what comes from a peer while the only route to it is an `unreachable` one.
  // sysctl -w net.ipv4.conf.NAME.rp_filter=0
  func disableReversePathFilter(_ name: String) throws(KernelError) {
    try set([(Self.reversePathFilter, 0)], on: name, "turn the reverse path filter off")
  }

  /// Passes on what arrives for others, and tells nobody that it could go straight there.
  // sysctl -w net.ipv4.conf.NAME.forwarding=1 net.ipv4.conf.NAME.send_redirects=0
  func enableForwarding(_ name: String) throws(KernelError) {
    try set([(Self.sendRedirects, 0), (Self.forwarding, 1)], on: name, "turn forwarding on")
  }

  private func set(
    _ values: [(setting: Int, value: UInt32)], on name: String, _ operation: String
  ) throws(KernelError) {
    let message = try linkMessage(RTM_NEWLINK, try index(of: name, operation), name, operation)
    defer { nlmsg_free(message) }
    var attributes = NetlinkAttributeWriter()
    attributes.nest(IFLA_AF_SPEC) { families in
      families.nest(Int(AF_INET)) { inet in
        inet.nest(Self.inetConfiguration) { settings in
          for (setting, value) in values { settings.put(setting, value) }
        }
      }
    }
    let bytes = attributes.bytes
    try socket.check(
      bytes.withUnsafeBytes {
        nlmsg_append(
          message, UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count, Int32(NLMSG_ALIGNTO))
      }, operation, name)
    try socket.check(nl_send_auto(socket.pointer, message), operation, name)
    try socket.check(nl_wait_for_ack(socket.pointer), operation, name)
  }

  private func linkMessage(
    _ type: Int, _ index: Int32, _ name: String, _ operation: String
  ) throws(KernelError) -> OpaquePointer {
    let message = try allocated(nlmsg_alloc_simple(Int32(type), 0), operation, name)
    var header = ifinfomsg()
    header.ifi_family = UInt8(AF_UNSPEC)
    header.ifi_index = index
    try socket.check(
      nlmsg_append(message, &header, MemoryLayout<ifinfomsg>.size, Int32(NLMSG_ALIGNTO)), operation, name)
    return message
  }
}
