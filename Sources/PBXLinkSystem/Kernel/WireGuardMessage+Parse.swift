// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink
internal import Glibc
internal import PBXLinkCore

extension WireGuardMessage {
  /// The device that the messages of one WG_CMD_GET_DEVICE dump describe; nil when one is malformed.
  ///
  /// The first message has the device's attributes. A peer whose allowed IPs do not fit is repeated in the next
  /// message with its key and the rest of them only.
  static func device(_ messages: [[UInt8]]) -> WireGuardState? {
    var state = WireGuardState()
    for message in messages {
      let isWhole = NetlinkAttribute.forEach(in: message[...]) { attribute in
        switch attribute.type {
        case Int(WGDEVICE_A_PUBLIC_KEY.rawValue): state.publicKey = PublicKey(bytes: attribute.payload)
        case Int(WGDEVICE_A_LISTEN_PORT.rawValue): state.listenPort = attribute.integer(UInt16.self) ?? 0
        case Int(WGDEVICE_A_PEERS.rawValue):
          return NetlinkAttribute.forEach(in: attribute.payload) { read($0.payload, into: &state.peers) }
        default: break
        }
        return true
      }
      guard isWhole else { return nil }
    }
    return state
  }

  private static func read(
    _ attributes: ArraySlice<UInt8>, into peers: inout [PublicKey: ObservedTunnel.Peer]
  ) -> Bool {
    var key: PublicKey?
    var peer = ObservedTunnel.Peer()
    let isWhole = NetlinkAttribute.forEach(in: attributes) { attribute in
      switch attribute.type {
      case Int(WGPEER_A_PUBLIC_KEY.rawValue):
        // The first one, always.
        key = PublicKey(bytes: attribute.payload)
        if let key, let known = peers[key] { peer = known }
      case Int(WGPEER_A_ENDPOINT.rawValue): peer.endpoint = endpoint(attribute.payload)
      case Int(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL.rawValue):
        peer.keepalive = attribute.integer(UInt16.self) ?? 0
      case Int(WGPEER_A_LAST_HANDSHAKE_TIME.rawValue):
        // struct __kernel_timespec; all zero before the first handshake.
        let seconds = attribute.payload.integer(Int64.self, at: 0) ?? 0
        peer.lastHandshake = seconds == 0 ? nil : Timestamp(seconds: seconds)
        peer.handshakeNanoseconds = attribute.payload.integer(Int64.self, at: 8) ?? 0
      case Int(WGPEER_A_RX_BYTES.rawValue): peer.receivedBytes = attribute.integer(UInt64.self) ?? 0
      case Int(WGPEER_A_TX_BYTES.rawValue): peer.sentBytes = attribute.integer(UInt64.self) ?? 0
      case Int(WGPEER_A_ALLOWEDIPS.rawValue):
        return NetlinkAttribute.forEach(in: attribute.payload) { entry in
          guard let prefix = allowedIP(entry.payload) else { return false }
          peer.allowedIPs.insert(prefix)
          return true
        }
      default: break
      }
      return true
    }
    guard isWhole, let key else { return false }
    peers[key] = peer
    return true
  }

  private static func allowedIP(_ attributes: ArraySlice<UInt8>) -> IPPrefix? {
    var address: IPAddress?
    var length: UInt8?
    let isWhole = NetlinkAttribute.forEach(in: attributes) { attribute in
      switch attribute.type {
      case Int(WGALLOWEDIP_A_IPADDR.rawValue): address = IPAddress(bytes: attribute.payload)
      case Int(WGALLOWEDIP_A_CIDR_MASK.rawValue): length = attribute.integer(UInt8.self)
      default: break
      }
      return true
    }
    guard isWhole, let address, let length else { return nil }
    return IPPrefix(address, length: Int(length))
  }

  /// Nil for the zero family of a peer without endpoint.
  private static func endpoint(_ bytes: ArraySlice<UInt8>) -> ResolvedEndpoint? {
    guard let family = bytes.integer(UInt16.self, at: 0), let port = bytes.integer(UInt16.self, at: 2)
    else { return nil }
    let address: ArraySlice<UInt8>
    switch Int32(family) {
    case AF_INET: address = bytes.dropFirst(4).prefix(4)
    case AF_INET6: address = bytes.dropFirst(8).prefix(16)
    default: return nil
    }
    return IPAddress(bytes: address).map { ResolvedEndpoint($0, port: UInt16(bigEndian: port)) }
  }
}
