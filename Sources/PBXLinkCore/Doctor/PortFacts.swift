// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The ports on which this site listens.
public struct PortFacts: Sendable {
  /// The tunnel's UDP port.
  public var tunnelPort: UInt16
  /// The exchange's TCP port.
  public var exchangePort: UInt16
  /// Whether somebody has the tunnel's port open.
  public var tunnelPortIsOpen: Look<Bool>
  /// The port of our own interface; nil where there is none.
  public var ownTunnelPort: Look<UInt16?>
  /// Whether somebody listens on the exchange's port.
  public var exchangePortIsOpen: Look<Bool>
  /// Whether the agent should serve the exchange now.
  public var servesExchange: Bool
  /// Whether it is known that no agent runs.
  public var isAgentStopped: Bool

  /// Facts about ports.
  public init(
    tunnelPort: UInt16, exchangePort: UInt16, tunnelPortIsOpen: Look<Bool>, ownTunnelPort: Look<UInt16?>,
    exchangePortIsOpen: Look<Bool>, servesExchange: Bool, isAgentStopped: Bool
  ) {
    self.tunnelPort = tunnelPort
    self.exchangePort = exchangePort
    self.tunnelPortIsOpen = tunnelPortIsOpen
    self.ownTunnelPort = ownTunnelPort
    self.exchangePortIsOpen = exchangePortIsOpen
    self.servesExchange = servesExchange
    self.isAgentStopped = isAgentStopped
  }

  var findings: [Finding] { [tunnel, exchange] }

  private var tunnel: Finding {
    let id = "tunnel-port"
    switch (tunnelPortIsOpen, ownTunnelPort) {
    case (.unseen(let unseen), _): return Finding(.ports, id, unseen)
    case (.seen(false), _): return Finding(.ports, id, .ok, "UDP \(tunnelPort) is free")
    case (.seen(true), .unseen(let unseen)): return Finding(.ports, id, unseen)
    case (.seen(true), .seen(let own)) where own == tunnelPort:
      return Finding(.ports, id, .ok, "UDP \(tunnelPort) is the tunnel's")
    case (.seen(true), .seen):
      return Finding(
        .ports, id, .error, "another program has UDP \(tunnelPort)",
        remedy:
          "Find it with 'ss -lunp sport = :\(tunnelPort)' and stop it, or set tunnel.listen_port to another one."
      )
    }
  }

  private var exchange: Finding {
    let id = "exchange-port"
    switch exchangePortIsOpen {
    case .unseen(let unseen): return Finding(.ports, id, unseen)
    case .seen(true) where isAgentStopped:
      return Finding(
        .ports, id, .warning, "TCP \(exchangePort) is open, although no agent runs",
        remedy:
          "Find the program with 'ss -ltnp sport = :\(exchangePort)', or set exchange.port to another one.")
    case .seen(false) where servesExchange:
      return Finding(
        .ports, id, .warning,
        "the agent does not serve the exchange on TCP \(exchangePort): no change reaches this site",
        remedy: "See 'journalctl -u pbxlink' for the reason.")
    case .seen(let isOpen):
      return Finding(.ports, id, .ok, "TCP \(exchangePort) is \(isOpen ? "served by the agent" : "free")")
    }
  }
}
