// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One site as a tunnel interface knows it.
public struct TunnelPeer: Hashable, Sendable {
  /// Its WireGuard public key (X25519).
  public var publicKey: PublicKey
  /// The key that it will change to; nil when none is known.
  public var nextKey: PublicKey?
  /// Whether to try the next key now, while neither works.
  public var triesNextKey: Bool
  /// Whether nothing comes from it although it is spoken to: its endpoint is not where it was.
  public var isSilent: Bool
  /// The source addresses accepted from it, which are also the destinations sent to it.
  public var allowedIPs: Set<IPPrefix>
  /// The candidate to try while the tunnel has no working endpoint of its own; nil waits for the peer.
  public var endpoint: ResolvedEndpoint?
  /// Seconds between persistent keepalives; 0 turns them off.
  public var keepalive: UInt16

  /// A peer.
  public init(
    publicKey: PublicKey, nextKey: PublicKey? = nil, triesNextKey: Bool = false, isSilent: Bool = false,
    allowedIPs: Set<IPPrefix>,
    endpoint: ResolvedEndpoint? = nil, keepalive: UInt16 = 0
  ) {
    self.publicKey = publicKey
    self.nextKey = nextKey
    self.triesNextKey = triesNextKey
    self.isSilent = isSilent
    self.allowedIPs = allowedIPs
    self.endpoint = endpoint
    self.keepalive = keepalive
  }
}

extension PublicKey {
  /// Padded base64 (RFC 4648 §4), as `wg show` prints the key.
  public var wireGuardText: String {
    String(
      description.map { character -> Character in
        switch character {
        case "-": "+"
        case "_": "/"
        default: character
        }
      }) + "="
  }
}
