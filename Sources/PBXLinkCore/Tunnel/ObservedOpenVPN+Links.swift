// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension ObservedOpenVPN {
  /// The interfaces that packets to their peers take.
  public var routedInterfaces: Set<String> { Set(links.filter { !$0.value.routes.isEmpty }.keys) }

  /// What the process of an interface says of itself; nil when there is none that answers.
  public func status(of interface: String) -> Status? {
    if case .status(let status) = links[interface]?.process?.management { status } else { nil }
  }

  /// Why there is no connection over an interface, as far as it is known; nil while there is one.
  public func problem(of interface: String) -> String? {
    switch links[interface]?.process?.management {
    case nil: "openvpn does not run"
    case .held: "openvpn waits to be told to begin"
    case .unknown(let reason): reason
    case .status(let status): status.isConnected ? nil : status.problem ?? "openvpn is at \(status.state)"
    }
  }
}
