// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink
internal import Glibc
public import PBXLinkCore

/// Something about links, addresses or our routes changed, by us or by anyone.
public enum KernelEvent: Hashable, Sendable {
  /// A link appeared, changed or went.
  case link(name: String, present: Bool, isUp: Bool)
  /// An interface got or lost an address.
  case address(InterfaceAddress, interfaceIndex: Int, present: Bool)
  /// One of our own routes was added or removed.
  case route(IPPrefix, present: Bool)
  /// Events were lost: look at everything again.
  case overrun

  /// Whether the state of this interface, or of our routes, may be another one now. An address tells its
  /// interface by number only, so each counts.
  public func concerns(interface: String) -> Bool {
    if case .link(let name, _, _) = self { name == interface } else { true }
  }

  /// The event in an rtnetlink notification; nil for what is none of our business.
  init?(messageType: Int, payload: ArraySlice<UInt8>) {
    switch messageType {
    case Int(RTM_NEWLINK), Int(RTM_DELLINK):
      // struct ifinfomsg: family, pad, type u16, index i32, flags u32, change u32
      guard let flags = payload.integer(UInt32.self, at: 8),
        let name = NetlinkAttribute.parse(payload.dropFirst(16))?
          .first(where: { $0.type == Int(IFLA_IFNAME) })
      else { return nil }
      self = .link(
        name: String(decoding: name.payload.prefix { $0 != 0 }, as: UTF8.self),
        present: messageType == Int(RTM_NEWLINK), isUp: flags & UInt32(IFF_UP.rawValue) != 0)
    case Int(RTM_NEWADDR), Int(RTM_DELADDR):
      // struct ifaddrmsg: family, prefixlen, flags, scope, index u32
      guard let index = payload.integer(UInt32.self, at: 4),
        let attributes = NetlinkAttribute.parse(payload.dropFirst(8)),
        let address = attributes.first(where: { $0.type == Int(IFA_LOCAL) })
          ?? attributes.first(where: { $0.type == Int(IFA_ADDRESS) }),
        let value = IPAddress(bytes: address.payload),
        let interfaceAddress = InterfaceAddress(value, length: Int(payload[payload.startIndex + 1]))
      else { return nil }
      self = .address(
        interfaceAddress, interfaceIndex: Int(index), present: messageType == Int(RTM_NEWADDR))
    case Int(RTM_NEWROUTE), Int(RTM_DELROUTE):
      // struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags u32
      guard payload.count >= 12, payload[payload.startIndex + 5] == RouteNetlink.routeProtocol,
        let destination = NetlinkAttribute.parse(payload.dropFirst(12))?
          .first(where: { $0.type == Int(RTA_DST.rawValue) }),
        let address = IPAddress(bytes: destination.payload),
        let prefix = IPPrefix(address, length: Int(payload[payload.startIndex + 1]))
      else { return nil }
      self = .route(prefix, present: messageType == Int(RTM_NEWROUTE))
    default: return nil
    }
  }
}
