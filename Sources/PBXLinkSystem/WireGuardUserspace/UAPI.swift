// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import PBXLinkCore

/// WireGuard's cross-platform configuration protocol: lines of `key=value`, an empty line at the end.
enum UAPI {
  /// The request that makes the settings.
  static func set(_ settings: WireGuardSettings) -> String {
    var lines = ["set=1"]
    if let key = settings.privateKey { lines.append("private_key=\(key.exposedHex)") }
    if let port = settings.listenPort { lines.append("listen_port=\(port)") }
    for peer in settings.peers {
      lines.append("public_key=\(hex(peer.publicKey))")
      if peer.remove { lines.append("remove=true") }
      if peer.updateOnly { lines.append("update_only=true") }
      if let endpoint = peer.endpoint { lines.append("endpoint=\(endpoint)") }
      if let keepalive = peer.keepalive { lines.append("persistent_keepalive_interval=\(keepalive)") }
      if let prefixes = peer.allowedIPs {
        lines.append("replace_allowed_ips=true")
        lines += prefixes.sorted().map { "allowed_ip=\($0)" }
      }
    }
    return lines.joined(separator: "\n") + "\n\n"
  }

  /// The device that the answer to `get=1` describes.
  static func state(_ answer: String, of interface: String) throws(KernelError) -> WireGuardState {
    let operation = "read the WireGuard device"
    try check(answer, operation, interface)
    var state = WireGuardState()
    var peer: PublicKey?
    for (key, value) in pairs(answer) {
      switch key {
      case "private_key":
        if let bytes = bytes(value), bytes.contains(where: { $0 != 0 }) {
          state.publicKey = try publicKey(of: Secret(bytes), interface)
        }
      case "listen_port": state.listenPort = UInt16(value) ?? 0
      case "public_key":
        guard let bytes = bytes(value), let found = PublicKey(bytes: bytes) else {
          throw KernelError(operation, interface, reason: "wireguard-go sent a malformed peer key")
        }
        peer = found
        state.peers[found] = ObservedTunnel.Peer()
      default:
        if let peer { read(key, value, into: &state.peers[peer, default: ObservedTunnel.Peer()]) }
      }
    }
    return state
  }

  /// wireguard-go reports its private key only.
  private static func publicKey(of key: Secret, _ interface: String) throws(KernelError) -> PublicKey {
    do {
      return try X25519PrivateKey(key).publicKey
    } catch {
      throw KernelError("derive the public key", interface, reason: "\(error)")
    }
  }

  private static func read(_ key: Substring, _ value: Substring, into peer: inout ObservedTunnel.Peer) {
    switch key {
    case "endpoint": peer.endpoint = Endpoint(String(value)).flatMap(ResolvedEndpoint.init)
    case "persistent_keepalive_interval": peer.keepalive = UInt16(value) ?? 0
    case "last_handshake_time_nsec": peer.handshakeNanoseconds = Int64(value) ?? 0
    case "last_handshake_time_sec":
      peer.lastHandshake = Int64(value).flatMap { $0 == 0 ? nil : Timestamp(seconds: $0) }
    case "rx_bytes": peer.receivedBytes = UInt64(value) ?? 0
    case "tx_bytes": peer.sentBytes = UInt64(value) ?? 0
    case "allowed_ip": if let prefix = IPPrefix(String(value)) { peer.allowedIPs.insert(prefix) }
    default: break
    }
  }

  /// Throws unless the answer says `errno=0`.
  static func check(_ answer: String, _ operation: String, _ interface: String) throws(KernelError) {
    // The last line; the ones before it may be half a megabyte.
    let end = answer.utf8.suffix(32).split(separator: UInt8(ascii: "\n")).last.map(Substring.init)
    guard let end, end.hasPrefix("errno="), let code = Int32(end.dropFirst(6)) else {
      throw KernelError(operation, interface, reason: "wireguard-go's answer is cut off")
    }
    // wireguard-go gives negative numbers for some errors.
    if code != 0 { throw KernelError(operation, interface, errno: abs(code)) }
  }

  private static func pairs(_ text: String) -> [(key: Substring, value: Substring)] {
    // By bytes: a thousand peers make half a megabyte, at each look.
    text.utf8.split(separator: UInt8(ascii: "\n")).compactMap { line in
      line.firstIndex(of: UInt8(ascii: "=")).map {
        (Substring(line[..<$0]), Substring(line[line.index(after: $0)...]))
      }
    }
  }

  private static func hex(_ key: PublicKey) -> String { Secret(key.bytes).exposedHex }

  private static func bytes(_ hex: Substring) -> [UInt8]? {
    let digits = hex.utf8.compactMap { letter -> UInt8? in
      switch letter {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): letter - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): letter - UInt8(ascii: "a") + 10
      default: nil
      }
    }
    guard digits.count == 64, hex.utf8.count == 64 else { return nil }
    return stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}
