// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One step from the observed to the desired state of the OpenVPN links.
public enum OpenVPNChange: Hashable, Sendable {
  /// Make the interface, which stays when its process ends.
  case createLink(String)
  /// End its process and delete the interface, and with it addresses and routes; `replaced` when another one
  /// follows.
  case removeLink(String, replaced: Bool)
  /// Give the interface an address.
  case addAddress(String, InterfaceAddress)
  /// Take an address away.
  case removeAddress(String, InterfaceAddress)
  /// Set the MTU in bytes.
  case setMTU(String, Int)
  /// Accept packets whose answer would leave by another interface.
  case disableReversePathFilter(String)
  /// Set the interface up.
  case setUp(String)
  /// Start the process of a link.
  case startProcess(String)
  /// Replace the process of a link.
  case restartProcess(String, isInUse: Bool)
  /// End a process whose interface is gone and that no link asks for.
  case stopProcess(String)
  /// Send a peer's traffic through the link, in one step.
  case addRoute(String, OpenVPNRoute)
  /// Leave it to the next best route.
  case removeRoute(String, OpenVPNRoute)
  /// Replace the table of the shared port; the ports of the links that come and go.
  case setSharedPortPeers(adding: Set<UInt16>, removing: Set<UInt16>)
  /// Listen on the shared port.
  case startSharedPort(ResolvedEndpoint)
  /// End the process that listens there, and with it the connections that go through it; `replaced` when
  /// another one follows.
  case stopSharedPort(replaced: Bool)

  /// What the change costs a call over the link.
  public var expectedGap: ExpectedGap {
    switch self {
    case .removeLink(_, let replaced), .stopSharedPort(let replaced):
      replaced ? Self.reconnection : .endOfLink
    case .restartProcess(_, let isInUse): isInUse ? Self.reconnection : .free
    case .removeAddress, .stopProcess: .endOfLink
    case .createLink, .addAddress, .setMTU, .disableReversePathFilter, .setUp, .startProcess, .addRoute,
      .removeRoute, .setSharedPortPeers, .startSharedPort:
      .free
    }
  }

  /// Whether all it does is to shut a peer out.
  public var takesPeerAway: Bool {
    switch self {
    case .removeLink(_, let replaced): !replaced
    case .stopProcess: true
    case .setSharedPortPeers(let adding, _): adding.isEmpty
    default: false
    }
  }

  /// The interface that it is about; nil for the shared port.
  public var interface: String? {
    switch self {
    case .createLink(let name), .removeLink(let name, _), .addAddress(let name, _),
      .removeAddress(let name, _), .setMTU(let name, _), .disableReversePathFilter(let name),
      .setUp(let name),
      .startProcess(let name), .restartProcess(let name, _), .stopProcess(let name), .addRoute(let name, _),
      .removeRoute(let name, _):
      name
    case .setSharedPortPeers, .startSharedPort, .stopSharedPort: nil
    }
  }

  /// A new TCP connection and TLS handshake: the end that listens looks for it once a second, and the other one
  /// asks again after a second. Measured with calls of 50 packets a second, 135 to 151 of which were lost.
  private static let reconnection = ExpectedGap.outage(milliseconds: 2900)
}

extension OpenVPNChange: CustomStringConvertible {
  /// What is done, for `plan` and logs; never a key.
  public var description: String {
    (interface ?? "shared port") + ": "
      + {
        switch self {
        case .createLink: "create the interface"
        case .removeLink: "delete the interface and end its openvpn process"
        case .addAddress(_, let address): "add address \(address)"
        case .removeAddress(_, let address): "remove address \(address)"
        case .setMTU(_, let mtu): "set MTU \(mtu)"
        case .disableReversePathFilter: "turn the reverse path filter off"
        case .setUp: "set the interface up"
        case .startProcess: "start openvpn"
        case .restartProcess: "restart openvpn"
        case .stopProcess: "end a left-over openvpn process"
        case .addRoute(_, let route): "add route \(route)"
        case .removeRoute(_, let route): "remove route \(route)"
        case .setSharedPortPeers(let adding, let removing):
          "let in connections for" + Self.list(adding, " + ") + Self.list(removing, " - ")
        case .startSharedPort(let endpoint): "listen on TCP \(endpoint)"
        case .stopSharedPort: "stop listening"
        }
      }()
  }

  private static func list(_ ports: Set<UInt16>, _ sign: String) -> String {
    ports.isEmpty ? "" : sign + ports.sorted().map(String.init).joined(separator: ",")
  }
}
