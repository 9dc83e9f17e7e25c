// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension TunnelChange: DisruptiveChange {
  /// A key goes after the peers that take its allowed IPs over.
  public func needs(_ other: TunnelChange) -> Bool {
    guard case .removePeer(let key, replaced: true) = self else { return false }
    return other.disruptedPeers.contains(key)
  }
}
