// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The trunks that a site should have: what `TrunkFiles` renders for Asterisk.
public struct TrunkConfiguration: Hashable, Sendable {
  /// Our own site.
  public let site: SiteName
  /// Whether we pass calls on between the peers.
  public let isRelay: Bool
  /// The sites we are linked to, sorted by name.
  public let peers: [TrunkPeer]
  /// The extensions that peers may call here.
  public let ownExtensions: [ExtensionPattern]
  /// Numbers that no peer reaches and no trunk carries.
  public let emergency: [String]
  /// The context in which calls from peers find their extension; nil refuses every call from a peer.
  public let localContext: String?
  /// The contexts whose phones may call peers.
  public let phoneContexts: [String]
  /// The TCP port of Asterisk's manager interface on loopback.
  public let managerPort: UInt16
  /// The password of our user at the manager interface.
  public let managerSecret: Secret

  /// A configuration; the peers are put in order.
  public init(
    site: SiteName, isRelay: Bool = false, peers: [TrunkPeer], ownExtensions: [ExtensionPattern],
    emergency: [String],
    localContext: String?, phoneContexts: [String], managerPort: UInt16, managerSecret: Secret
  ) {
    self.site = site
    self.isRelay = isRelay
    self.peers = peers.sorted { $0.site < $1.site }
    self.ownExtensions = ownExtensions
    self.emergency = emergency
    self.localContext = localContext
    self.phoneContexts = phoneContexts
    self.managerPort = managerPort
    self.managerSecret = managerSecret
  }

  /// The same configuration with only those peers for which the closure is true.
  public func keepingPeers(where isKept: (TrunkPeer) -> Bool) -> Self {
    Self(
      site: site, isRelay: isRelay, peers: peers.filter(isKept), ownExtensions: ownExtensions,
      emergency: emergency,
      localContext: localContext, phoneContexts: phoneContexts, managerPort: managerPort,
      managerSecret: managerSecret)
  }
}

/// One site that we have a trunk with.
public struct TrunkPeer: Hashable, Sendable {
  /// The peer's name.
  public let site: SiteName
  /// Its IPv4 tunnel address: chan_iax2 of the supported versions is told IPv4 only.
  public let address: IPAddress
  /// Its IAX2 port (UDP).
  public let port: UInt16
  /// Most simultaneous calls with it, both directions together.
  public let callLimit: Int
  /// The codecs that both ends allow, by Asterisk's names, the preferred one first.
  public let codecs: [String]
  /// AES-128 inside the tunnel.
  public let encryption: Bool
  /// The extensions it announces.
  public let extensions: [ExtensionPattern]
  /// Whether it passes calls on to other sites.
  public let isRelay: Bool
  /// What we present when we call it.
  public let outbound: TrunkCredential
  /// All that we accept from it: one for each pair of key generations still in use.
  public let inbound: [TrunkCredential]

  /// A peer.
  public init(
    site: SiteName, address: IPAddress, port: UInt16, callLimit: Int, codecs: [String], encryption: Bool,
    extensions: [ExtensionPattern], isRelay: Bool = false, outbound: TrunkCredential,
    inbound: [TrunkCredential]
  ) {
    self.site = site
    self.address = address
    self.port = port
    self.callLimit = callLimit
    self.codecs = codecs
    self.encryption = encryption
    self.extensions = extensions
    self.isRelay = isRelay
    self.outbound = outbound
    self.inbound = inbound.sorted { $0.userName < $1.userName }
  }
}

/// A user name of ``TrunkNames/user(caller:callerGeneration:calleeGeneration:)`` and its secret.
public struct TrunkCredential: Hashable, Sendable {
  /// The IAX2 user name.
  public let userName: String
  /// The IAX2 secret; written as hexadecimal.
  public let secret: Secret

  /// A credential.
  public init(userName: String, secret: Secret) {
    self.userName = userName
    self.secret = secret
  }
}
