// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A UDP endpoint whose address is known: what a tunnel can be told, and what it learns from roaming.
public struct ResolvedEndpoint: Hashable, Sendable, CustomStringConvertible {
  /// The address.
  public let address: IPAddress
  /// The port, 1 to 65535.
  public let port: UInt16

  /// An endpoint at an address.
  public init(_ address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// An endpoint whose host is an address literal; nil when a name must be looked up first.
  public init?(_ endpoint: Endpoint) {
    guard let address = endpoint.address else { return nil }
    self.init(address, port: endpoint.port)
  }

  /// "203.0.113.5:51820" or "[2001:db8::5]:51820".
  public var description: String { Endpoint(address, port: port).description }
}
