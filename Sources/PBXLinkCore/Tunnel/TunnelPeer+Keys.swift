// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension TunnelPeer {
  /// The peer as the device has it: while the site has a key that comes next, one entry for each key, and the
  /// allowed IPs at the one that it uses. That is the key that made the last handshake, since a site never goes
  /// back to a former key. When neither works any more, they take turns.
  func entries(observed: [PublicKey: ObservedTunnel.Peer], at now: Timestamp) -> [TunnelPeer] {
    guard let nextKey else { return [self] }
    let (last, next) = (observed[publicKey]?.lastHandshake, observed[nextKey]?.lastHandshake)
    let hasChanged = next.map { next in last.map { next >= $0 } ?? true } ?? false
    let works = observed[publicKey]?.hasKeys(at: now) ?? false
    let usesNext = hasChanged || !works && triesNextKey
    var used = self
    used.nextKey = nil
    used.publicKey = usesNext ? nextKey : publicKey
    return [used, TunnelPeer(publicKey: usesNext ? publicKey : nextKey, allowedIPs: [])]
  }
}

extension ObservedTunnel {
  /// The peer as which a site talks to us: of its keys the one that made the last handshake.
  public func peer(of site: Descriptor.WireGuard) -> Peer? {
    let (current, next) = (peers[site.publicKey], site.nextPublicKey.flatMap { peers[$0] })
    guard let handshake = next?.lastHandshake else { return current ?? next }
    return current?.lastHandshake.map { $0 > handshake } ?? false ? current : next
  }
}
