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
