// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A router outside the mesh, as its BFD session shows it.
public struct NeighborStatus: Hashable, Sendable, Codable {
  /// Its address.
  public let address: String
  /// Whether it is behind other routers (RFC 5883).
  public let isMultihop: Bool
  /// Our state of the session (RFC 5880 §4.1, Sta): "up", "down", "init" or "admin_down".
  public let state: String
  /// The neighbor's; null while nothing is known of it.
  public let remoteState: String?
  /// Since when ours is so.
  public let since: String
  /// Why it left its former one (RFC 5880 §4.1, Diag); null for no reason.
  public let diagnostic: String?
  /// The neighbor's reason.
  public let remoteDiagnostic: String?
  /// Seconds between two packets of ours, before chance makes them fewer; null while it wants none.
  public let interval: Double?
  /// After so many seconds without a packet the neighbor is down; null while nothing is known of it.
  public let detectionTime: Double?

  enum CodingKeys: String, CodingKey {
    case address, state, since, diagnostic
    case isMultihop = "multihop"
    case remoteState = "remote_state"
    case remoteDiagnostic = "remote_diagnostic"
    case interval = "interval_seconds"
    case detectionTime = "detection_seconds"
  }

  /// A neighbor whose session has been in its state since a time of day.
  public init(_ neighbor: BFDNeighbor, _ session: BFDSession, since: Timestamp) {
    address = neighbor.address.description
    isMultihop = neighbor.distance == .multihop
    state = session.state.name
    remoteState = session.remote?.state.name
    self.since = since.description
    diagnostic = session.diagnostic.words
    remoteDiagnostic = session.remote?.diagnostic.words
    interval = session.transmitInterval?.seconds
    detectionTime = session.detectionTime?.seconds
  }

  /// Encodes all keys.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(address, forKey: .address)
    try container.encode(isMultihop, forKey: .isMultihop)
    try container.encode(state, forKey: .state)
    try container.encode(remoteState, forKey: .remoteState)
    try container.encode(since, forKey: .since)
    try container.encode(diagnostic, forKey: .diagnostic)
    try container.encode(remoteDiagnostic, forKey: .remoteDiagnostic)
    try container.encode(interval, forKey: .interval)
    try container.encode(detectionTime, forKey: .detectionTime)
  }

  /// A line for people.
  var line: String {
    let detection = detectionTime.map { ", noticed within \($0.rounded(places: 3)) s" } ?? ""
    return state == "up"
      ? "router \(address) up since \(since) (BFD\(detection))"
      : "! router \(address) \(state) since \(since) (BFD): \(advice)"
  }

  private var advice: String {
    switch remoteState {
    case nil: "nothing comes from it; check that it runs BFD with this server, and the firewall here"
    case "admin_down": "its BFD is switched off for us"
    default: "it hears nothing from here; check its firewall, and by which address it knows us"
    }
  }
}

extension BFDPacket.State {
  /// As in RFC 5880, and as FRR and BIRD have it.
  var name: String {
    switch self {
    case .adminDown: "admin_down"
    case .down: "down"
    case .initializing: "init"
    case .up: "up"
    }
  }
}

extension BFDPacket.Diagnostic {
  /// For people; nil for 0, which says nothing.
  public var words: String? {
    switch rawValue {
    case 0: nil
    case 1: "nothing came for a detection time"
    case 2: "the Echo function failed"
    case 3: "the other end says that it is down"
    case 4: "forwarding plane reset"
    case 5: "path down"
    case 6: "concatenated path down"
    case 7: "administratively down"
    case 8: "reverse concatenated path down"
    default: "diagnostic \(rawValue)"
    }
  }
}
