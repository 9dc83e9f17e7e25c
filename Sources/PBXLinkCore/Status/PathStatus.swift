// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One path to another site.
public struct PathStatus: Hashable, Sendable, Codable {
  /// The path: "wireguard", "openvpn-tcp" or "relay".
  public let name: TunnelPath
  /// Whether packets go both ways by it; "unknown" for a path that is not probed: a relay before it is needed.
  public let state: PathState.Condition
  /// Whether it is the one that calls take.
  public let inUse: Bool
  /// The relay that it goes by.
  public var via: String?
  /// Round trip of the last probe, in seconds.
  public let roundTrip: Double?

  enum CodingKeys: String, CodingKey {
    case name, state, via
    case inUse = "in_use"
    case roundTrip = "rtt_seconds"
  }

  /// Encodes all keys.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(state, forKey: .state)
    try container.encode(inUse, forKey: .inUse)
    try container.encode(via, forKey: .via)
    try container.encode(roundTrip, forKey: .roundTrip)
  }
}

/// The paths to one site.
public struct LinkPaths: Hashable, Sendable {
  /// Those that both ends offer, the preferred one first.
  public let offered: [TunnelPath]
  /// The one in use.
  public let inUse: TunnelPath
  /// The relay in use.
  public let relay: SiteName?
  /// What probes have shown; nothing where there is one path only.
  public let states: [TunnelPath: PathState]
  /// What openvpn says of the connection.
  public let openVPN: ObservedOpenVPN.Status?
  /// Why OpenVPN has no connection, as far as it is known.
  public let openVPNProblem: String?

  /// The paths of a link; WireGuard alone unless told otherwise.
  public init(
    offered: [TunnelPath] = [.wireguard], inUse: TunnelPath = .wireguard, relay: SiteName? = nil,
    states: [TunnelPath: PathState] = [:], openVPN: ObservedOpenVPN.Status? = nil,
    openVPNProblem: String? = nil
  ) {
    self.offered = offered
    self.inUse = inUse
    self.relay = relay
    self.states = states
    self.openVPN = openVPN
    self.openVPNProblem = openVPNProblem
  }

  var statuses: [PathStatus] {
    offered.map { path in
      PathStatus(
        name: path, state: states[path]?.condition ?? .unknown, inUse: path == inUse,
        via: path == .relay ? relay?.description : nil,
        roundTrip: states[path]?.roundTrip.map { $0 / .seconds(1) })
    }
  }
}
