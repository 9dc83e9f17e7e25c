// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What was found at Asterisk.
public struct ObservedTrunk: Hashable, Sendable {
  /// Our files as they are.
  public var files = TrunkFiles()
  /// Whether the last change of the files was also loaded and verified.
  public var isVerified = true
  /// Our files that are not included, and the names of Asterisk's own files that should end in the line.
  public var missingIncludes: [TrunkFile: String] = [:]
  /// What the admin's own files say.
  public var findings: [TrunkFile: AsteriskConfigFindings] = [:]
  /// Asterisk's version; nil where the command is missing or says something else.
  public var version: AsteriskVersion?
  /// Whether Asterisk answers.
  public var isRunning = false
  /// Whether chan_iax2 runs.
  public var hasIAX2 = false
  /// The UDP ports that are open on this host.
  public var openUDPPorts: Set<UInt16> = []
  /// The peers that Asterisk has in use; nil where it could not be asked.
  public var livePeers: [LiveTrunkPeer]?

  /// Nothing found.
  public init() {}

  /// Whether the admin's own lines turn the manager interface on.
  public var managerIsOn: Bool { findings[.manager]?.isOn("enabled") ?? false }

  /// The sites that our files have a trunk with.
  public var sites: Set<SiteName> { Set(TrunkFragments(files.iax).sites.keys) }

  /// The state of each trunk by Asterisk's qualify, such as `OK (3 ms)`. It says that the far end answers,
  /// not that it would take a call.
  public var peers: [SiteName: String] {
    let known = (livePeers ?? []).compactMap { peer in
      TrunkNames.site(ofSection: peer.name).map { ($0, peer.status) }
    }
    return Dictionary(known) { first, _ in first }
  }
}
