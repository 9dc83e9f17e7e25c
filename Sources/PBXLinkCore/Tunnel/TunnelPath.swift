// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One way to reach a peer. Its tunnel address is the same on each; routes and allowed IPs decide which is in use.
public enum TunnelPath: String, Codable, CaseIterable, Sendable {
  /// WireGuard over UDP.
  case wireguard
  /// OpenVPN over TCP, for networks that let nothing else out.
  case openvpnTCP = "openvpn-tcp"
  /// Through a third site that has the role `relay`, for two that cannot reach each other.
  case relay
}
