// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import PBXLinkSystem

/// A thousand peers that nobody is behind, as a configuration of ours and as a file for `wg`.
struct Crowd {
  let key: X25519PrivateKey
  let peers: [TunnelPeer]

  init(count: Int = 1000) throws {
    key = try X25519PrivateKey.generate()
    peers = try (0..<count).map { number in
      let (third, fourth) = (number / 250, number % 250)
      return TunnelPeer(
        publicKey: try X25519PrivateKey.generate().publicKey,
        allowedIPs: Set(["10.77.\(third).\(fourth)", "fd77::\(third):\(fourth)"].compactMap(IPPrefix.init)),
        endpoint: Endpoint("198.51.100.\(fourth):51820").flatMap(ResolvedEndpoint.init), keepalive: 0)
    }
  }

  /// The interface has neither addresses nor routes: what is compared is WireGuard's part.
  func configuration(_ interface: String, port: Int, _ peers: [TunnelPeer]) throws -> TunnelConfiguration {
    try TunnelConfiguration(
      interface: interface, privateKey: key.rawSecret, publicKey: key.publicKey, listenPort: UInt16(port),
      addresses: [], mtu: 1420, peers: peers, routes: [])
  }

  /// For `wg setconf` and `wg syncconf`.
  func file(port: Int) -> String {
    let key = PublicKey(bytes: key.rawSecret.exposedBytes)?.wireGuardText ?? ""
    return "[Interface]\nPrivateKey = \(key)\nListenPort = \(port)\n"
      + peers.map { peer in
        """
        [Peer]
        PublicKey = \(peer.publicKey.wireGuardText)
        AllowedIPs = \(peer.allowedIPs.sorted().map(\.description).joined(separator: ", "))
        Endpoint = \(peer.endpoint?.description ?? "")

        """
      }.joined()
  }
}
