// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What stands of the OpenVPN links: interfaces, routes, processes and the shared port.
public struct ObservedOpenVPN: Hashable, Sendable {
  /// One interface with one of our names, and what belongs to it.
  public struct Link: Hashable, Sendable {
    /// What stands under the name.
    public var link: ObservedTunnel.Link
    /// The MTU in bytes.
    public var mtu = 0
    /// The addresses, without those of link scope.
    public var addresses: Set<InterfaceAddress> = []
    /// Our routes through the interface.
    public var routes: Set<OpenVPNRoute> = []
    /// Whether the kernel drops packets here whose answer would leave by another interface (rp_filter 1): while
    /// the two ends change paths they may.
    public var filtersReversePath = false
    /// The openvpn process.
    public var process: Process?

    /// An interface of which nothing more is known.
    public init(link: ObservedTunnel.Link) { self.link = link }
  }

  /// One openvpn process.
  public struct Process: Hashable, Sendable {
    /// Its number.
    public var identifier: Int32
    /// What it was started with; nil when its file is gone or was changed afterwards.
    public var configuration: OpenVPNProcessConfiguration?
    /// What it says.
    public var management: Management

    /// A process.
    public init(
      identifier: Int32, configuration: OpenVPNProcessConfiguration?, management: Management
    ) {
      self.identifier = identifier
      self.configuration = configuration
      self.management = management
    }
  }

  /// What a process says of itself by its management socket.
  public enum Management: Hashable, Sendable {
    /// It waits to be told to begin: whoever started it did not get that far.
    case held
    /// Its state.
    case status(Status)
    /// No answer, or one that makes no sense. The link may work all the same.
    case unknown(reason: String)
  }

  /// The state of a process.
  public struct Status: Hashable, Sendable {
    /// In OpenVPN's word: CONNECTED, or TCP_CONNECT, WAIT, AUTH, RECONNECTING and others on the way there.
    public var state: String
    /// When it got there; nil when it never changed.
    public var since: Timestamp?
    /// Bytes received from the peer since the process started, overhead included.
    public var receivedBytes: UInt64
    /// Bytes sent to the peer since then.
    public var sentBytes: UInt64
    /// Why there is no connection, in OpenVPN's words; nil while there is one, or while nothing went wrong.
    public var problem: String?

    /// Whether the link carries traffic.
    public var isConnected: Bool { state == "CONNECTED" }

    /// A state.
    public init(
      state: String, since: Timestamp?, receivedBytes: UInt64 = 0, sentBytes: UInt64 = 0,
      problem: String? = nil
    ) {
      self.state = state
      self.since = since
      self.receivedBytes = receivedBytes
      self.sentBytes = sentBytes
      self.problem = problem
    }
  }

  /// The process that owns the public port.
  public struct SharedPort: Hashable, Sendable {
    /// Where it listens.
    public var listen: ResolvedEndpoint
    /// Which listening port takes the connections signed with which control key.
    public var peers: [UInt16: Secret]

    /// A shared port.
    public init(listen: ResolvedEndpoint, peers: [UInt16: Secret]) {
      self.listen = listen
      self.peers = peers
    }
  }

  /// By interface; also processes whose interface is gone.
  public var links: [String: Link]
  /// Nil while its process does not run.
  public var sharedPort: SharedPort?

  /// What was found.
  public init(links: [String: Link] = [:], sharedPort: SharedPort? = nil) {
    self.links = links
    self.sharedPort = sharedPort
  }
}
