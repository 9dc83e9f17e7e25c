// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink
internal import Glibc
internal import PBXLinkCore

/// The attributes of the generic netlink family "wireguard" (linux/wireguard.h), without the headers.
enum WireGuardMessage {
  /// Most peers and most allowed IPs in one message: a nest must stay under 64 KiB.
  static let peerLimit = 32
  static let allowedIPLimit = 256

  /// The attributes of the WG_CMD_SET_DEVICE messages that together make the settings, in order.
  ///
  /// "Several messages should be sent one after another, with each successive one filling in information not
  /// contained in the prior": device attributes go into the first one only, and the attributes of a peer whose
  /// allowed IPs are continued go with its first part only. WGPEER_F_REPLACE_ALLOWEDIPS on a later part would
  /// throw the earlier ones away.
  static func set(_ interface: String, _ settings: WireGuardSettings) -> [[UInt8]] {
    batches(settings.peers).enumerated().map { number, parts in
      var message = NetlinkAttributeWriter()
      message.put(Int(WGDEVICE_A_IFNAME.rawValue), string: interface)
      if number == 0, let key = settings.privateKey {
        message.put(Int(WGDEVICE_A_PRIVATE_KEY.rawValue), key.exposedBytes)
      }
      if number == 0, let port = settings.listenPort {
        message.put(Int(WGDEVICE_A_LISTEN_PORT.rawValue), port)
      }
      if !parts.isEmpty {
        message.nest(Int(WGDEVICE_A_PEERS.rawValue)) { list in
          for part in parts { list.nest(0) { part.write(to: &$0) } }
        }
      }
      return message.bytes
    }
  }

  /// A peer, or a stretch of its allowed IPs.
  private struct Part {
    let peer: WireGuardSettings.Peer
    var allowedIPs: ArraySlice<IPPrefix>
    let isFirst: Bool

    func write(to attributes: inout NetlinkAttributeWriter) {
      attributes.put(Int(WGPEER_A_PUBLIC_KEY.rawValue), peer.publicKey.bytes)
      var flags: UInt32 = 0
      if peer.remove { flags |= WGPEER_F_REMOVE_ME.rawValue }
      if isFirst, peer.allowedIPs != nil { flags |= WGPEER_F_REPLACE_ALLOWEDIPS.rawValue }
      if peer.updateOnly || !isFirst { flags |= WGPEER_F_UPDATE_ONLY.rawValue }
      if flags != 0 { attributes.put(Int(WGPEER_A_FLAGS.rawValue), flags) }
      if isFirst, let endpoint = peer.endpoint {
        attributes.put(Int(WGPEER_A_ENDPOINT.rawValue), socketAddress(endpoint))
      }
      if isFirst, let keepalive = peer.keepalive {
        attributes.put(Int(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL.rawValue), keepalive)
      }
      guard !allowedIPs.isEmpty else { return }
      attributes.nest(Int(WGPEER_A_ALLOWEDIPS.rawValue)) { list in
        for prefix in allowedIPs {
          list.nest(0) { entry in
            entry.put(Int(WGALLOWEDIP_A_FAMILY.rawValue), UInt16(prefix.family == .v4 ? AF_INET : AF_INET6))
            entry.put(Int(WGALLOWEDIP_A_IPADDR.rawValue), prefix.address.bytes)
            entry.put(Int(WGALLOWEDIP_A_CIDR_MASK.rawValue), UInt8(prefix.length))
          }
        }
      }
    }
  }

  private static func batches(_ peers: [WireGuardSettings.Peer]) -> [[Part]] {
    var batches: [[Part]] = [[]]
    var room = allowedIPLimit
    for peer in peers {
      var rest = (peer.allowedIPs ?? []).sorted()[...]
      var isFirst = true
      repeat {
        if batches[batches.count - 1].count == peerLimit || (room == 0 && !rest.isEmpty) {
          batches.append([])
          room = allowedIPLimit
        }
        let stretch = rest.prefix(room)
        batches[batches.count - 1].append(Part(peer: peer, allowedIPs: stretch, isFirst: isFirst))
        room -= stretch.count
        rest = rest.dropFirst(stretch.count)
        isFirst = false
      } while !rest.isEmpty
    }
    return batches
  }

  /// struct sockaddr_in or sockaddr_in6; family in host order, port in network order.
  static func socketAddress(_ endpoint: ResolvedEndpoint) -> [UInt8] {
    let port = hostOrder(endpoint.port.bigEndian)
    return switch endpoint.address.family {
    case .v4:
      hostOrder(UInt16(AF_INET)) + port + endpoint.address.bytes + Array(repeating: 0, count: 8)
    case .v6:
      hostOrder(UInt16(AF_INET6)) + port + [0, 0, 0, 0] + endpoint.address.bytes + [0, 0, 0, 0]
    }
  }
}
