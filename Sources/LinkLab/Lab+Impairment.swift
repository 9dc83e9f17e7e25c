// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

extension Lab {
  /// What a network may not let through.
  public enum Obstacle: Hashable, Sendable {
    /// All UDP, as hotels and some companies have it.
    case udp
    /// Connections to a TCP port.
    case tcp(port: UInt16)
    /// Each packet from an address with this likelihood, one independent of the other.
    case loss(percent: Int, from: IPAddress)

    var rule: String {
      switch self {
      case .udp: "meta l4proto udp drop"
      case .tcp(let port): "ip protocol tcp th dport \(port) drop"
      case .loss(let percent, let address): "ip saddr \(address) numgen random mod 100 < \(percent) drop"
      }
    }
  }

  /// Lets some traffic no longer pass between the offices, without a word to anybody; whatever was blocked
  /// before passes again.
  public func block(_ obstacles: Obstacle...) async throws {
    let rules = obstacles.map { "    \($0.rule)\n" }.joined()
    try await internet.run(
      ["nft", "-f", "-"],
      input: """
        table bridge lab
        delete table bridge lab
        table bridge lab {
          chain forward {
            type filter hook forward priority filter; policy accept;
        \(rules)  }
        }
        """
    ).checked()
  }

  /// Lets everything pass again.
  public func unblock() async throws { try await block() }
}
