// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What one site sees at one moment. The JSON form has the schema `pbxlink.status/1`: units are in key names,
/// what is unknown is null, times are RFC 3339.
public struct StatusSnapshot: Hashable, Sendable, Codable {
  /// The mesh.
  public struct MeshStatus: Hashable, Sendable, Codable {
    /// Its name.
    public let name: String
    /// Its authority's public key.
    public let authority: String
    /// The prefixes of the tunnel addresses.
    public let networks: [String]
  }

  /// This site.
  public struct SiteStatus: Hashable, Sendable, Codable {
    /// Its name.
    public let name: String
    /// Its tunnel addresses.
    public let addresses: [String]
    /// The extensions that it announces.
    public let extensions: [String]
    /// Whether the authority has revoked it.
    public let revoked: Bool
  }

  /// The agent.
  public struct AgentStatus: Hashable, Sendable, Codable {
    /// Its version.
    public let version: String
    /// Since when it runs.
    public let since: String
    /// The tunnel's implementation.
    public let tunnelBackend: String?
    /// Why this one.
    public let tunnelBackendReason: String?
    /// Asterisk's version, or null when it does not answer.
    public let asteriskVersion: String?
    /// What is not well with this site itself, one sentence each.
    public let problems: [String]
    /// Whether 'pbxlink down' has taken the links away.
    public let isDown: Bool

    enum CodingKeys: String, CodingKey {
      case version, since, problems
      case tunnelBackend = "tunnel_backend"
      case tunnelBackendReason = "tunnel_backend_reason"
      case asteriskVersion = "asterisk_version"
      case isDown = "down"
    }
  }

  /// The form of this document.
  public var schema = "pbxlink.status/1"
  /// When it was made.
  public let time: String
  /// The mesh.
  public let mesh: MeshStatus
  /// This site.
  public let site: SiteStatus
  /// The agent.
  public let agent: AgentStatus
  /// The other sites, by name.
  public let peers: [PeerStatus]
  /// The routers outside the mesh that we run BFD with; nil from an agent of a former version.
  public let neighbors: [NeighborStatus]?
}

/// One other site as seen from here.
public struct PeerStatus: Hashable, Sendable, Codable {
  /// The state of a link.
  public enum State: String, Hashable, Sendable, Codable, CaseIterable {
    /// Tunnel and trunk answer.
    case up
    /// They do, but calls would sound poor, and there is no better way.
    case degraded
    /// The tunnel is up, Asterisk over there or its trunk does not answer.
    case trunkDown = "trunk_down"
    /// Tunnel and Asterisk answer, but test calls are not taken.
    case callsRefused = "calls_refused"
    /// As many calls are up as may be: no further one gets through.
    case full
    /// Nothing comes by the path in use, or no handshake in the last three minutes.
    case down
    /// Admitted, but its descriptor has not arrived.
    case pending
    /// Invited, not joined yet.
    case invited
    /// Its numbers or addresses clash with an earlier site's: not linked.
    case conflict
    /// 'pbxlink down' was run here.
    case disabled
  }

  /// Its name.
  public let name: String
  /// The link's state.
  public let state: State
  /// Since when, RFC 3339; at its cap: since when it is up.
  public var since: String?
  /// The path in use, such as "wireguard 198.51.100.10:51820".
  public let path: String?
  /// The ways to reach it, the preferred one first.
  public let paths: [PathStatus]
  /// Mean round trip of the last minute's probes on the path in use, in seconds; without any, what Asterisk measured
  /// (POKE).
  public let roundTrip: Double?
  /// Packets lost from here to the peer within the last minute, 0 to 1.
  public let lossTransmit: Double?
  /// Packets lost from the peer to here.
  public let lossReceive: Double?
  /// The jitter of the worse direction, in seconds.
  public let jitter: Double?
  /// The MOS of the worse direction; both are in the path's figures.
  public let mos: Double?
  /// The last handshake.
  public let lastHandshake: RFC3339?
  /// Bytes received on all paths since each was made.
  public let received: UInt64?
  /// Bytes sent on all paths since each was made.
  public let sent: UInt64?
  /// Calls with the site now.
  public let calls: Int
  /// Most calls at a time.
  public let callLimit: Int?
  /// What Asterisk says of the peer, such as "OK (3 ms)".
  public let trunk: String?
  /// The last test call; nil before the first.
  public var testCall: TestCall?
  /// The extensions it announces.
  public let extensions: [String]
  /// Its tunnel addresses.
  public let addresses: [String]
  /// What to do when it is not well.
  public let advice: String?

  enum CodingKeys: String, CodingKey {
    case name, state, since, path, paths, mos, calls, trunk, extensions, addresses, advice
    case roundTrip = "rtt_seconds"
    case lossTransmit = "loss_transmit_ratio"
    case lossReceive = "loss_receive_ratio"
    case jitter = "jitter_seconds"
    case lastHandshake = "last_handshake"
    case received = "received_bytes"
    case sent = "sent_bytes"
    case callLimit = "call_limit"
    case testCall = "test_call"
  }
}
