// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

@testable import PBXLinkCore

/// One simulated server: what its disk, its kernel and its Asterisk hold, and the agent that runs on it.
struct Office {
  /// What survives a crash.
  struct Disk {
    var mesh: Mesh?
    var documents: [String] = []
    var invitations: [PendingInvitation] = []
  }

  let keys: AgentKeys
  var configuration: Configuration
  var disk = Disk()
  /// The state that the planes were last brought to; it outlives the agent.
  var planes: DesiredState?
  /// Nil while the agent is down, and before the join.
  var agent: Agent?
  var isUp = true
  /// When each peer was last heard through the tunnel; the kernel keeps it when the agent dies.
  var heard: [SiteName: Timestamp] = [:]
  /// How wrong its clock is, in seconds.
  var skew: Int64 = 0
  /// What the admin was handed; nil once the join is through.
  var invitation: Invitation?
  /// The identities that lists on this disk say are out, kept apart from what the agent makes of them.
  var revoked: Set<PublicKey> = []

  var isPublic: Bool { !configuration.tunnel.endpoints.isEmpty }
}

/// What goes through the tunnels.
struct Packet {
  enum Content {
    case push([String], Errand?)
    /// The hashes of documents; the documents themselves stay where they are until they are wanted.
    case offer([String], Errand?)
    case wanted([String], Errand?)
    case compare(hash: String)
    case summary(DirectorySummary)
    case digest(DirectoryDigest, Set<Int>)
    case difference(DirectoryDigest, [String], Set<Int>)
    case join(JoinRequest)
    case admitted(JoinAnswer)
  }

  let from: SiteName
  let to: SiteName
  /// The sender's tunnel key: its own, or the invitation's.
  let key: PublicKey
  let source: IPAddress
  let content: Content
}
