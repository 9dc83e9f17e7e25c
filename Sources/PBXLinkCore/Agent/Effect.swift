// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What the agent wants done. Effects are carried out in order, and a save is durable before anything after it.
public enum Effect: Hashable, Sendable {
  /// Keep these documents, verbatim; they replace older ones of the same subject.
  case saveDocuments
  /// Keep the lists of invitations and of awaited sites.
  case saveInvitations
  /// Keep which keys are in use.
  case saveKeyGenerations
  /// Write an entry into the journal.
  case journal(JournalEntry)
  /// Compare the planes with the desired state and change what differs.
  case reconcile
  /// End the calls with a site that is no longer trusted.
  case hangUp(SiteName)
  /// Send documents to other sites: ``Agent/deliveries(of:reachable:at:)`` says which.
  case push(Push)
  /// Tell these sites what has been applied here.
  case sendReceipts([SiteName])
  /// Ask a site that is reached by a relay whether it goes direct too.
  case askForDirect(SiteName)
  /// Ask a site to go by a relay at the same moment as we: the way between us is poor, but works.
  case askForRelay(SiteName, relay: SiteName)
  /// Delete the keys that are in use no more.
  case removeOldKeys
  /// It is time to make new keys and begin a rotation.
  case rotateKeys
}

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
    case neighborUp = "neighbor_up"
    case neighborDown = "neighbor_down"
    case linkTaken = "link_taken_down"
    case exchangeLimited = "exchange_limited"
    case stateRestored = "state_restored"
    case restoreEnded = "restore_ended"
    case authorityExported = "authority_exported"
    case authorityTaken = "authority_taken"
    case authorityGivenUp = "authority_given_up"
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
