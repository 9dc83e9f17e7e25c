// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension ObservedTunnel.Peer {
  /// Whether the last handshake is young enough for its keys to be valid. It does not prove that the path
  /// works now.
  public func hasKeys(at now: Timestamp) -> Bool {
    lastHandshake.map { now - $0 <= TunnelPlan.handshakeLifetime } ?? false
  }
}
