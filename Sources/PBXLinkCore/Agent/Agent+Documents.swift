// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What became of documents that were handed in.
public struct DocumentsReceipt: Hashable, Sendable {
  /// How many were new and valid.
  public var accepted = 0
  /// Why the first of those refused were, in their order; at most ``DocumentsReceipt/reasonLimit``.
  public var refused: [String] = []

  /// How many reasons are told.
  static let reasonLimit = 20
}

extension Agent {
  /// Most documents that are looked at in one go: twice what a mesh of some thousand sites has.
  static let documentLimit = 10_000

  /// Verifies and merges documents; those that are new are saved, applied and passed on.
  /// A bad document changes nothing but the journal.
  ///
  /// It never fails and never signs: nothing about this site itself may stand in the way of a revocation, and
  /// two machines with one identity must not answer each other without end. The next tick announces what changed.
  public mutating func receive(
    _ documents: [String], from sender: SiteName?, at now: Timestamp
  ) -> (receipt: DocumentsReceipt, effects: [Effect]) {
    var receipt = DocumentsReceipt()
    var journal: [Effect] = []
    var accepted: [String] = []
    let before = self
    var refusals = 0
    for document in Directory.inOrderOfTrust(Array(documents.prefix(Self.documentLimit))) {
      do throws(DocumentError) {
        let changes = try directory.merge(document, using: cryptography)
        journal += changes.map { .journal(JournalEntry($0)) }
        // The losing side of a fork is not kept, so passing it on would never end.
        if changes.contains(where: \.isKept) { accepted.append(document) }
      } catch {
        refusals += 1
        if refusals <= DocumentsReceipt.reasonLimit { receipt.refused.append(error.description) }
      }
    }
    if documents.count > Self.documentLimit {
      receipt.refused.append("more than \(Self.documentLimit) documents at once")
    }
    if let reason = refuseAuthority(since: before) {
      accepted = []
      journal = []
      refusals += 1
      receipt.refused.append(reason)
    }
    if let reason = receipt.refused.first {
      // One entry, however many there are: a hostile member must not push the journal's past out.
      let text =
        "\(max(refusals, 1)) refused" + (sender.map { " from '\($0)'" } ?? "") + ", the first: \(reason)"
      journal.append(.journal(JournalEntry(.documentRefused, site: sender, text)))
    }
    receipt.accepted = accepted.count
    guard !accepted.isEmpty else { return (receipt, journal) }
    let ended = sitesCutOff(since: before, at: now).map { Effect.hangUp($0) }
    return (receipt, [.saveDocuments] + journal + [.reconcile] + ended + [.push(accepted, except: sender)])
  }

  /// Stays under the authority that we know when the documents of another one are not complete or leave us out:
  /// links must not end because others have come to a new authority. Says why.
  private mutating func refuseAuthority(since before: Agent) -> String? {
    let authority = directory.authority
    guard authority != before.directory.authority else { return nil }
    let isMember = directory.members.contains { $0.identity == identity }
    if directory.isComplete, isMember || isRevoked || before.membership == nil {
      refusedAuthority = nil
      adoptAuthority()
      return nil
    }
    let isComplete = directory.isComplete
    directory = before.directory
    refusedAuthority = authority
    return AgentError.authorityRefused(authority, isComplete: isComplete).description
  }

  /// The sites with which calls end: those revoked, and all of them when we are.
  private func sitesCutOff(since before: Agent, at now: Timestamp) -> [SiteName] {
    let revoked = directory.revokedIdentities.subtracting(before.directory.revokedIdentities)
    guard !revoked.isEmpty else { return [] }
    return before.linkedSites(at: now).filter { isRevoked || revoked.contains($0.identity) }.map(\.name)
  }

  /// How long a descriptor is valid; it is renewed at half of this.
  static let descriptorLifetime: Int64 = 30 * 86_400

  /// Signs a new descriptor when what we announce has changed or the last one is past half its life; none
  /// while a restored state may be behind.
  mutating func publish(at now: Timestamp) throws -> [Effect] {
    guard let membership = directory.membership(of: identity), !isRevoked, restoredFrom == nil else {
      return []
    }
    let last = directory.descriptor(of: identity)?.content
    let (serial, previous) = directory.nextDescriptor(of: identity)
    let next = Descriptor(
      membership: membership.text, serial: serial, previous: previous,
      issuedAt: now, expiresAt: now + Self.descriptorLifetime,
      wireguard: .init(configuration, keys), openvpn: .init(configuration, keys),
      trunk: .init(configuration, announcedTrunkKeys),
      extensions: announcedExtensions(granted: membership.content.extensions), agentVersion: Version.current)
    if let last, last.announcesTheSame(as: next), last.expiresAt - now > Self.descriptorLifetime / 2,
      // One that a clock far ahead has signed would not be renewed for years.
      !(last.issuedAt > now + Self.clockTolerance && isClockConfirmed(at: now))
    {
      return []
    }
    let document = try next.signed(by: keys.identity, using: cryptography)
    _ = try directory.merge(document, using: cryptography)
    return [.saveDocuments, .reconcile, .push([document], except: nil)]
  }

  /// The site file's extensions as far as they are granted, or all granted ones when it lists none.
  func announcedExtensions(granted: [ExtensionPattern]) -> [ExtensionPattern] {
    let wanted = configuration.numbers.extensions
    return wanted.isEmpty ? granted : wanted.filter(granted.covers).sorted()
  }

  /// Refuses a site file that lists extensions which the authority has not granted. Only for when the admin is
  /// there to read it; otherwise they are just not announced.
  func checkExtensions() throws(AgentError) {
    let wanted = configuration.numbers.extensions
    guard let granted = membership?.extensions else { return }
    guard wanted.allSatisfy(granted.covers) else { throw .extensionsNotGranted(wanted, granted: granted) }
  }
}

extension DirectoryChange {
  /// Whether the document is now held.
  fileprivate var isKept: Bool { if case .forked = self { false } else { true } }
}

extension Descriptor {
  /// Whether two descriptors differ only in serial, times and chain.
  func announcesTheSame(as other: Descriptor) -> Bool {
    membership == other.membership && wireguard == other.wireguard && openvpn == other.openvpn
      && trunk == other.trunk && extensions == other.extensions && agentVersion == other.agentVersion
  }
}
