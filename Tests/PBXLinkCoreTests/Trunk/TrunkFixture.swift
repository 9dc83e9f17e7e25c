// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

/// Builds trunk configurations from short texts; a text that is wrong fails the test.
struct TrunkFixture {
  static func site(_ name: String) throws -> SiteName { try #require(SiteName(name)) }

  static func credential(from caller: String, _ generations: (UInt32, UInt32) = (1, 1), seed: UInt8)
    throws -> TrunkCredential
  {
    TrunkCredential(
      userName: TrunkNames.user(
        caller: try site(caller), callerGeneration: generations.0, calleeGeneration: generations.1),
      secret: Secret(repeatElement(seed, count: 32)))
  }

  static func peer(
    _ name: String, of own: String = "head-office", address: String = "10.77.0.2", limit: Int = 4,
    codecs: [String] = ["ulaw", "alaw"], encryption: Bool = true, extensions: [String] = ["3XX"],
    isRelay: Bool = false, inbound: [(UInt32, UInt32)] = [(1, 1)]
  ) throws -> TrunkPeer {
    TrunkPeer(
      site: try site(name), address: try #require(IPAddress(address)), port: 4569, callLimit: limit,
      codecs: codecs,
      encryption: encryption, extensions: try extensions.map { try #require(ExtensionPattern($0)) },
      isRelay: isRelay, outbound: try credential(from: own, seed: 0xa0),
      inbound: try inbound.enumerated().map { index, generations in
        try credential(from: name, generations, seed: 0xb0 + UInt8(index))
      })
  }

  static func configuration(
    isRelay: Bool = false, peers: [TrunkPeer], own: [String] = ["2XX"], localContext: String? = "extensions",
    phoneContexts: [String] = ["phones"], emergency: [String] = ["112", "911"]
  ) throws -> TrunkConfiguration {
    TrunkConfiguration(
      site: try site("head-office"), isRelay: isRelay, peers: peers,
      ownExtensions: try own.map { try #require(ExtensionPattern($0)) }, emergency: emergency,
      localContext: localContext, phoneContexts: phoneContexts, managerPort: 5038,
      managerSecret: Secret(repeatElement(0xc0, count: 32)))
  }

  /// A head office with a branch in a rotation of keys and one that wants no encryption.
  static func office() throws -> TrunkConfiguration {
    try configuration(peers: [
      try peer(
        "warehouse", address: "10.77.0.3", limit: 2, encryption: false, extensions: ["4[0-4]X", "4500"]),
      try peer("branch-1", inbound: [(1, 1), (2, 1)]),
    ])
  }

  /// A head office that passes calls on between its branches, two of which do so, too.
  static func relays() throws -> TrunkConfiguration {
    try configuration(
      isRelay: true,
      peers: [
        try peer("hub", address: "10.77.0.3", limit: 8, extensions: ["6XX"], isRelay: true),
        try peer("branch-1"),
        try peer("hub-2", address: "10.77.0.4", extensions: ["7XX"], isRelay: true),
      ])
  }

  /// What would be observed where these files are in place and in use.
  static func observed(_ configuration: TrunkConfiguration) throws -> ObservedTrunk {
    var observed = ObservedTrunk()
    observed.files = try TrunkFiles(configuration, enablingManager: true)
    observed.isRunning = true
    observed.hasIAX2 = true
    observed.livePeers = configuration.peers.map(live)
    return observed
  }

  static func live(_ peer: TrunkPeer) -> LiveTrunkPeer {
    LiveTrunkPeer(
      name: TrunkNames.peer(peer.site), userName: peer.outbound.userName, address: "\(peer.address)",
      port: "\(peer.port)", isEncrypted: peer.encryption, status: "OK (3 ms)")
  }
}
