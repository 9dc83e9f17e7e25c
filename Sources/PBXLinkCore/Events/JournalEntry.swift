// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One line of the journal: what changed and why.
public struct JournalEntry: Hashable, Sendable, Codable {
  /// The kinds of entries.
  public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
    case meshCreated = "mesh_created"
    case siteInvited = "site_invited"
    case siteAdmitted = "site_admitted"
    case siteRevoked = "site_revoked"
    case membershipRenewed = "membership_renewed"
    case meshJoined = "mesh_joined"
    case invitationExpired = "invitation_expired"
    case documentAccepted = "document_accepted"
    case documentRefused = "document_refused"
    case siteForked = "site_forked"
    case authorityChanged = "authority_changed"
    case siteGranted = "site_granted"
    case planApplied = "plan_applied"
    case planHeld = "plan_held"
    case planeFailed = "plane_failed"
    case pathChanged = "path_changed"
    case pathMTUChanged = "path_mtu_changed"
    case keysRotated = "keys_rotated"
    case tunnelBackendChosen = "tunnel_backend_chosen"
    case callsEnded = "calls_ended"
    case callsRefused = "calls_refused"
    case callsTaken = "calls_taken"
    case callRefused = "call_refused"
    case callsUnusual = "calls_unusual"
    case linkUp = "link_up"
    case linkDegraded = "link_degraded"
    case linkDown = "link_down"
    case trunkDown = "trunk_down"
    case neighborUp = "neighbor_up"
    case neighborDown = "neighbor_down"
    case linkTaken = "link_taken_down"
    case exchangeLimited = "exchange_limited"
    case stateRestored = "state_restored"
    case restoreEnded = "restore_ended"
    case authorityExported = "authority_exported"
    case authorityTaken = "authority_taken"
    case authorityGivenUp = "authority_given_up"
    case commandReceived = "command_received"
  }

  /// What happened.
  public let kind: Kind
  /// The site it concerns.
  public let site: SiteName?
  /// A sentence for people.
  public let text: String

  /// An entry.
  public init(_ kind: Kind, site: SiteName? = nil, _ text: String) {
    self.kind = kind
    self.site = site
    self.text = text
  }
}
