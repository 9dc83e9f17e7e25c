// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One peer that can be reached by OpenVPN, over an interface and by a process of its own: so that a packet's
/// interface proves who sent it.
public struct OpenVPNLink: Hashable, Sendable {
  /// Which side opens the TCP connection.
  public enum Role: Hashable, Sendable {
    /// The peer does, to this port of ``OpenVPNConfiguration/listenAddress``.
    case listen(port: UInt16)
    /// We do, to the first of these that answers, through an HTTP proxy if there is one. OpenVPN takes no more
    /// than 64 of them.
    case connect(to: [Endpoint], proxy: Endpoint?)
  }

  /// The interface name, "pbxlink-" and a number.
  public let interface: String
  /// The peer.
  public let site: SiteName
  /// Which side opens the connection.
  public let role: Role
  /// The certificate that the peer must show.
  public let peerFingerprint: CertificateFingerprint
  /// What both sign their control packets with (`--tls-auth`), 256 bytes: a stranger gets no answer.
  public let controlKey: Secret
  /// The peer's tunnel addresses.
  public let peerAddresses: [IPAddress]
  /// Whether traffic to the peer takes this link; otherwise it stands by, connected.
  public var isInUse: Bool

  /// A link.
  public init(
    interface: String, site: SiteName, role: Role, peerFingerprint: CertificateFingerprint,
    controlKey: Secret, peerAddresses: [IPAddress], isInUse: Bool
  ) {
    self.interface = interface
    self.site = site
    self.role = role
    self.peerFingerprint = peerFingerprint
    self.controlKey = controlKey
    self.peerAddresses = peerAddresses
    self.isInUse = isInUse
  }

  /// The interface of the peer whose tunnel address has this number in the mesh network; nil when it is too large
  /// for a name.
  public static func interface(number: UInt128) -> String? {
    let name = "pbxlink-\(number)"
    return isInterfaceName(name) ? name : nil
  }

  /// Whether an interface is one of those that belong to this plane: "pbxlink-" and a number of at most seven
  /// digits (IFNAMSIZ), without leading zeros. Every other one is somebody else's.
  public static func isInterfaceName(_ name: String) -> Bool {
    guard name.hasPrefix("pbxlink-") else { return false }
    let digits = name.dropFirst("pbxlink-".count).utf8
    return (1...7).contains(digits.count) && digits.allSatisfy { (0x30...0x39).contains($0) }
      && (digits.first != 0x30 || digits.count == 1)
  }
}

/// A route to a single address of a peer, through the interface of its link.
public struct OpenVPNRoute: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Where to; a host prefix.
  public let destination: IPPrefix
  /// The address that our own packets get; nil leaves the choice to the kernel.
  public let source: IPAddress?
  /// The lower one is taken first.
  public let metric: UInt32

  /// In front of the routes to the whole mesh through the WireGuard interface.
  public static let metric: UInt32 = 50

  /// A route.
  public init(_ destination: IPPrefix, source: IPAddress?, metric: UInt32 = Self.metric) {
    self.destination = destination
    self.source = source
    self.metric = metric
  }

  /// "10.77.0.2/32 from 10.77.0.1".
  public var description: String { "\(destination)" + (source.map { " from \($0)" } ?? "") }
  /// By destination, then by metric.
  public static func < (left: Self, right: Self) -> Bool {
    left.destination == right.destination
      ? left.metric < right.metric : left.destination < right.destination
  }

  /// What the kernel takes for one and the same route when it replaces.
  struct Slot: Hashable {
    let destination: IPPrefix
    let metric: UInt32
  }
  var slot: Slot { Slot(destination: destination, metric: metric) }
}
