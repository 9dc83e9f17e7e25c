// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What the admin of one site decides: the contents of its site file, `/etc/pbxlink/pbxlink.yaml`.
public struct Configuration: Hashable, Sendable {
  /// The numbers of this site.
  public struct Numbers: Hashable, Sendable {
    /// The extensions that other sites may call here.
    public var extensions: [ExtensionPattern] = []
    /// The numbers that no peer may reach and no pattern may include.
    public var emergency = EmergencyNumbers.standard
  }

  /// Where this site's Asterisk is and which of its contexts take part.
  public struct Asterisk: Hashable, Sendable {
    /// Asterisk's configuration directory (`astetcdir`).
    public var configurationDirectory = "/etc/asterisk"
    /// The context that holds the local extensions and nothing else; calls from peers arrive there.
    public var localContext: String?
    /// The contexts whose phones may call other sites.
    public var phoneContexts: [String] = []
    /// The TCP port of the manager interface on loopback.
    public var managerPort: UInt16 = 5038
  }

  /// The trunks to other sites.
  public struct Trunk: Hashable, Sendable {
    /// Most simultaneous calls with one peer, both directions together.
    public var callLimit = 4
    /// Codecs by Asterisk's names, the preferred one first.
    public var codecs = ["ulaw", "alaw"]
    /// AES-128 inside the tunnel, as a second layer.
    public var encryption = true
    /// The UDP port of Asterisk's IAX2.
    public var port: UInt16 = 4569
  }

  /// Which implementation of WireGuard to use.
  public enum TunnelBackend: String, Hashable, Sendable, CaseIterable {
    case auto, kernel, userspace
  }

  /// The tunnel interface.
  public struct Tunnel: Hashable, Sendable {
    /// The implementation; `auto` takes the kernel's where there is one.
    public var backend = TunnelBackend.auto
    /// The interface name.
    public var interface = "pbxlink0"
    /// The UDP port, open to the Internet.
    public var listenPort: UInt16 = 51820
    /// Where other sites reach this port; empty behind NAT.
    public var endpoints: [Endpoint] = []
    /// The interface MTU in bytes; nil lets it follow from the underlay's.
    public var mtu: Int?
    /// Seconds between keepalives towards peers; holds NAT mappings open. 0 turns them off.
    public var keepalive: UInt16 = 25
    /// The ways to reach a peer, the preferred one first.
    public var paths = TunnelPath.allCases
  }

  /// OpenVPN, for links where UDP does not get through.
  public struct OpenVPN: Hashable, Sendable {
    /// Where other sites reach our OpenVPN over TCP; empty when they cannot, and then we call them.
    public var endpoints: [Endpoint] = []
    /// The TCP port, open to the Internet where there are endpoints.
    public var listenPort: UInt16 = 443
    /// The HTTP proxy by which we reach others.
    public var proxy: Endpoint?
  }

  /// The firewall around the tunnel.
  public struct Firewall: Hashable, Sendable {
    /// Drop IAX2 from everywhere but the tunnel, loopback and `allowIAX`.
    public var protectIAX = true
    /// Sources outside the mesh that may still speak IAX2, such as the office LAN.
    public var allowIAX: [IPPrefix] = []
  }

  /// Routers outside the mesh that we run BFD with; none unless they are listed.
  public struct BFD: Hashable, Sendable {
    /// Those on a link of ours (RFC 5881); IPv4.
    public var neighbors: [IPAddress] = []
    /// Those behind other routers (RFC 5883); IPv4.
    public var multihopNeighbors: [IPAddress] = []
    /// How soon they are found to be gone, and we by them.
    public var detection = FailureDetection.normal

    /// All of them.
    public var all: Set<BFDNeighbor> {
      Set(
        neighbors.map { BFDNeighbor($0, .singleHop) } + multihopNeighbors.map { BFDNeighbor($0, .multihop) })
    }
  }

  /// What monitoring may read.
  public struct Monitoring: Hashable, Sendable {
    /// Where metrics and the status are served over HTTP; none: nowhere.
    public var listen = [Endpoint(IPAddress(family: .v4, value: 0x7f00_0001), port: 9470)]
    /// The file with the token that readers must show; nil: they need none.
    public var tokenFile: String?
  }

  /// Who is told of events.
  public struct Events: Hashable, Sendable {
    /// The URL that they are posted to.
    public var webhook: String?
    /// Of which kinds.
    public var webhookKinds = JournalEntry.Kind.alarming
    /// The program that is run for each.
    public var command: String?
    /// Of which kinds.
    public var commandKinds = JournalEntry.Kind.alarming
  }

  /// The numbers.
  public var numbers = Numbers()
  /// Asterisk.
  public var asterisk = Asterisk()
  /// The trunks.
  public var trunk = Trunk()
  /// The tunnel.
  public var tunnel = Tunnel()
  /// OpenVPN.
  public var openVPN = OpenVPN()
  /// The firewall.
  public var firewall = Firewall()
  /// Days after which the tunnel and trunk keys are renewed; 0 leaves that to 'pbxlink rotate-keys'.
  public var rotationDays = 90
  /// The TCP port of the exchange inside the tunnel.
  public var exchangePort: UInt16 = 4570
  /// The UDP port of the probes inside the tunnel.
  public var probePort: UInt16 = 4571
  /// How soon a dead path is noticed.
  public var detection = FailureDetection.normal
  /// The MOS of a link below which calls take another way where there is one; 1 for never.
  public var minimumMOS = 3.6
  /// BFD with routers outside the mesh.
  public var bfd = BFD()
  /// What monitoring may read.
  public var monitoring = Monitoring()
  /// Who is told of events.
  public var events = Events()
  /// Keys and the database.
  public var stateDirectory = "/var/lib/pbxlink"
  /// The control socket.
  public var runtimeDirectory = "/run/pbxlink"

  /// The defaults.
  public init() {}
}
