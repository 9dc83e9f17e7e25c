// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What one site measures to the others: a row of the matrix. Sites tell it each other over the exchange.
public struct LinkRow: Hashable, Sendable, Codable {
  /// One link.
  public struct Cell: Hashable, Sendable, Codable {
    /// Its state.
    public let state: PeerStatus.State
    /// Mean round trip of the last minute, in seconds.
    public let roundTrip: Double?
    /// Packets lost in the worse direction, 0 to 1.
    public let loss: Double?
    /// The MOS of the worse direction.
    public let mos: Double?

    enum CodingKeys: String, CodingKey {
      case state, mos
      case roundTrip = "rtt_seconds"
      case loss = "loss_ratio"
    }
  }

  /// By the other site.
  public let links: [SiteName: Cell]

  /// A row with these links.
  public init(links: [SiteName: Cell]) { self.links = links }

  /// The row of a site.
  public init(_ status: StatusSnapshot) {
    links = status.peers.reduce(into: [:]) { links, peer in
      guard let site = SiteName(peer.name) else { return }
      links[site] = Cell(
        state: peer.state, roundTrip: peer.roundTrip,
        loss: [peer.lossTransmit, peer.lossReceive].compactMap(\.self).max(), mos: peer.mos)
    }
  }
}
