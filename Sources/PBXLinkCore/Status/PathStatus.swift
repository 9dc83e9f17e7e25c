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
  /// Round trip to Asterisk there, in seconds; nil while it does not answer by this path.
  public var asteriskRoundTrip: Double?
  /// The largest IP packet that gets through, in bytes; nil while it is not known, and for OpenVPN, which carries any.
  public var mtu: Int?
  /// What the probes of the last minute have shown; nil before the first answer.
  public var quality: LinkQuality?

  enum CodingKeys: String, CodingKey {
    case name, state, via, quality
    case inUse = "in_use"
    case roundTrip = "rtt_seconds"
    case asteriskRoundTrip = "asterisk_rtt_seconds"
    case mtu = "mtu_bytes"
  }

  /// Encodes all keys.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(state, forKey: .state)
    try container.encode(inUse, forKey: .inUse)
    try container.encode(via, forKey: .via)
    try container.encode(roundTrip, forKey: .roundTrip)
    try container.encode(asteriskRoundTrip, forKey: .asteriskRoundTrip)
    try container.encode(mtu, forKey: .mtu)
    try container.encode(quality, forKey: .quality)
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
  /// What the probes of the last minute have measured.
  public let figures: [TunnelPath: LinkFigures]
  /// Whether a relay is in use because the direct way was poor.
  public let hasLeftPoorPath: Bool
  /// The codec of calls, by Asterisk's name: the first one that both ends allow.
  public let codec: String?
  /// What openvpn says of the connection.
  public let openVPN: ObservedOpenVPN.Status?
  /// Why OpenVPN has no connection, as far as it is known.
  public let openVPNProblem: String?

  /// The paths of a link; WireGuard alone unless told otherwise.
  public init(
    offered: [TunnelPath] = [.wireguard], inUse: TunnelPath = .wireguard, relay: SiteName? = nil,
    states: [TunnelPath: PathState] = [:], figures: [TunnelPath: LinkFigures] = [:],
    hasLeftPoorPath: Bool = false, codec: String? = nil,
    openVPN: ObservedOpenVPN.Status? = nil, openVPNProblem: String? = nil
  ) {
    self.offered = offered
    self.inUse = inUse
    self.relay = relay
    self.states = states
    self.figures = figures
    self.hasLeftPoorPath = hasLeftPoorPath
    self.codec = codec
    self.openVPN = openVPN
    self.openVPNProblem = openVPNProblem
  }

  var statuses: [PathStatus] {
    offered.map { path in
      PathStatus(
        name: path, state: condition(of: path), inUse: path == inUse,
        via: path == .relay ? relay?.description : nil,
        roundTrip: states[path]?.roundTrip.map { $0 / .seconds(1) },
        asteriskRoundTrip: states[path].flatMap { $0.isAsteriskHeard ? $0.asterisk.roundTrip : nil }.map {
          $0 / .seconds(1)
        },
        mtu: states[path]?.mtu,
        quality: figures[path].flatMap { LinkQuality($0, codec: codec) })
    }
  }

  /// A poor direct way keeps its name while a relay is in use: nothing new is known of it but that it works.
  private func condition(of path: TunnelPath) -> PathState.Condition {
    let condition = states[path]?.condition ?? .unknown
    return hasLeftPoorPath && path == .wireguard && condition != .down ? .degraded : condition
  }

  /// What to do about that before the figures of the whole minute show why.
  static let degradedAdvice =
    "Calls have sounded poor for some seconds: look at the Internet lines of both sites and at what else uses "
    + "them."

  /// What to do about a path that carries less than any should.
  var mtuAdvice: String? {
    guard let mtu = states[inUse]?.mtu, mtu < TunnelConfiguration.mtuRange.lowerBound else { return nil }
    return
      "Packets of more than \(mtu) bytes get lost on the way. Calls are smaller; IPv6 in the tunnel needs 1280. "
      + "Look at the MTU of the lines of both sites, and whether their routers may send 'fragmentation needed' (ICMP)."
  }

  /// Whether calls sound poor now.
  var isDegraded: Bool { states[inUse]?.condition == .degraded }

  /// What calls meet now; nil unless the path in use is known to work.
  var quality: LinkQuality? {
    states[inUse]?.isUp == true ? figures[inUse].flatMap { LinkQuality($0, codec: codec) } : nil
  }
}
