// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One way to reach a peer. Its tunnel address is the same on each; a route decides which is in use.
public enum TunnelPath: String, Codable, CaseIterable, Sendable {
  /// WireGuard over UDP.
  case wireguard
  /// OpenVPN over TCP, for networks that let nothing else out.
  case openvpnTCP = "openvpn-tcp"
}
