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
  /// - Parameter errand: to whom the sender has asked us to pass new ones on; nil when it did not send them as news.
  public mutating func receive(
    _ documents: [String], from sender: SiteName?, errand: Errand? = nil, at now: Timestamp
  ) -> (receipt: DocumentsReceipt, effects: [Effect]) {
    var receipt = DocumentsReceipt()
    var journal: [Effect] = []
    var accepted: [String] = []
    let before = self
    var (refusals, lists) = (0, 0)
    var limited = max(0, documents.count - Self.documentLimit)
    for (document, header) in Self.inOrder(documents.prefix(Self.documentLimit)) {
      // Peers that are compared with at the same time all bring the same: no fault of theirs.
      guard !directory.holds(DocumentVersion.hash(of: document, using: cryptography)) else { continue }
      guard limits.admits(header, from: sender, listsBefore: lists, at: now) else {
        limited += 1
        continue
      }
      if header?.isOfTrust == true { lists += 1 }
      do throws(DocumentError) {
        let changes = try directory.merge(document, using: cryptography)
        let news = changes.filter { limits.isNews($0) }
        journal += news.map { .journal(JournalEntry($0)) }
        counters.forks += news.count { !$0.isKept }
        // The losing side of a fork is not kept, so passing it on would never end.
        if changes.contains(where: \.isKept) {
          accepted.append(document)
          limits.noteDescriptor(header, at: now)
        } else {
          limits.noteIdle(header, from: sender, at: now)
        }
      } catch {
        refusals += 1
        limits.noteIdle(header, from: sender, at: now)
        if refusals <= DocumentsReceipt.reasonLimit { receipt.refused.append(error.description) }
      }
    }
    if let reason = refuseAuthority(since: before) {
      accepted = []
      journal = []
      refusals += 1
      receipt.refused.append(reason)
    }
    if limited > 0 { receipt.refused.append("\(limited) not looked at: too many in a short time") }
    counters.accepted += accepted.count
    counters.refused += refusals
    counters.limited += limited
    receipt.accepted = accepted.count
    if let reason = receipt.refused.first, limits.admitsEntry(about: sender, at: now) {
      // One entry, however many there are: a hostile member must not push the journal's past out.
      let text =
        "\(refusals + limited) refused" + (sender.map { " from '\($0)'" } ?? "")
        + ", the first: \(reason)"
      journal.append(.journal(JournalEntry(.documentRefused, site: sender, text)))
    }
    guard !accepted.isEmpty else { return (receipt, journal) }
    let ended = sitesCutOff(since: before, at: now).map { Effect.hangUp($0) }
    let push = Push(accepted, to: audience(of: errand, from: sender, at: now), except: sender)
    return (receipt, [.saveDocuments] + journal + [.reconcile] + ended + [.push(push)])
  }

  /// The documents with what their headers say, first those of trust: nothing may stand in the way of a removal.
  private static func inOrder(_ documents: some Sequence<String>) -> [(String, JWS.Header?)] {
    let parsed = Directory.inOrderOfTrust(Array(documents)).map { ($0, JWS.header(of: $0)) }
    return parsed.filter { $0.1?.isOfTrust == true } + parsed.filter { $0.1?.isOfTrust != true }
  }

  /// Whom to tell of new documents: what comes from nobody, the admin has brought.
  private mutating func audience(
    of errand: Errand?, from sender: SiteName?, at now: Timestamp
  ) -> Push.Audience {
    guard let sender else { return .everyone }
    guard let errand, limits.admits(errand, from: sender, at: now) else { return .neighbours }
    return .errand(errand)
  }

  /// Whether to exchange that many bytes with a tunnel address. Who is no member is turned away elsewhere.
  public mutating func admits(bytes: Int, from address: IPAddress, at now: Timestamp) -> Bool {
    guard let sender = site(at: address, now: now) else { return true }
    let isAdmitted = limits.admits(bytes: bytes, from: sender.name, at: now)
    if !isAdmitted { counters.requestsLimited += 1 }
    return isAdmitted
  }

  /// A connection of a member was closed: it was too slow, or one too many at a time.
  public mutating func noteCutOff(_ site: SiteName, at now: Timestamp) -> [Effect] {
    counters.connectionsCutOff += 1
    guard limits.admitsEntry(about: site, at: now) else { return [] }
    return [
      .journal(
        JournalEntry(.exchangeLimited, site: site, "its connections to the exchange are slow or too many"))
    ]
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
    // Under one authority what is revoked stays so.
    guard
      directory.revoked.count > before.directory.revoked.count
        || directory.authority != before.directory.authority
    else { return [] }
    let revoked = directory.revokedIdentities.subtracting(before.directory.revokedIdentities)
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
    let held = directory.descriptor(of: identity)
    let last = held?.content
    let contest = identityContest.isLost(to: held?.version.hash, at: now)
    let news = contest.map { [Effect.journal(JournalEntry(contest: $0, of: mesh.site))] } ?? []
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
      return news
    }
    guard identityContest.maySign(at: now) else { return news }
    let document = try next.signed(by: keys.identity, using: cryptography)
    _ = try directory.merge(document, using: cryptography)
    identityContest.sign(directory.descriptor(of: identity)?.version.hash)
    return news + [.saveDocuments, .reconcile, .push(Push([document]))]
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
