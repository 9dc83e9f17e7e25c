// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension StatusSnapshot {
  /// By what the peers are sorted: what is worst comes first, names where there is no difference.
  public enum Order: Character, Sendable, CaseIterable {
    case name = "n"
    case state = "s"
    case roundTrip = "r"
    case loss = "l"
    case mos = "m"
    case calls = "c"

    /// For people.
    public var words: String {
      switch self {
      case .name: "name"
      case .state: "state"
      case .roundTrip: "round trip"
      case .loss: "loss"
      case .mos: "MOS"
      case .calls: "calls"
      }
    }
  }

  /// The peers in another order; those of which nothing is known come last.
  public func sorted(by order: Order) -> [PeerStatus] {
    let keyed = peers.map { (peer: $0, key: Self.key($0, order)) }
    return keyed.sorted { $0.key == $1.key ? $0.peer.name < $1.peer.name : $0.key > $1.key }.map(\.peer)
  }

  private static func key(_ peer: PeerStatus, _ order: Order) -> Double {
    switch order {
    case .name: 0
    case .state: Double(peer.state.severity)
    case .roundTrip: peer.roundTrip ?? -1
    case .loss: [peer.lossTransmit, peer.lossReceive].compactMap(\.self).max() ?? -1
    case .mos: peer.mos.map { -$0 } ?? -.infinity
    case .calls: Double(peer.calls)
    }
  }
}

extension PeerStatus.State {
  fileprivate var severity: Int {
    switch self {
    case .down: 7
    case .trunkDown: 6
    case .callsRefused: 5
    case .conflict: 4
    case .degraded: 3
    case .full: 2
    case .up: 1
    case .pending, .invited, .disabled: 0
    }
  }
}
