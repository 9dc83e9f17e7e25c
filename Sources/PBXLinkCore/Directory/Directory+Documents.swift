// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a directory holds, in brief: peers compare it and send what the other lacks.
public struct DirectoryDigest: Hashable, Sendable, Codable {
  /// By site name.
  public var memberships: [String: DocumentVersion]
  /// By identity.
  public var descriptors: [String: DocumentVersion]
  /// Hashes of the lists of revocations.
  public var revocations: [String]
  /// The authority now; nil from a version that knows only one.
  public var authority: PublicKey?
  /// Hashes of its charters.
  public var charters: [String]?
}

extension Directory {
  /// A document as it is kept outside of memory: what it is about, and its text.
  public final class Record: Hashable, Sendable {
    /// The kind.
    public let kind: DocumentKind
    /// The site name of a membership, the identity of a descriptor, the hash of any other: with
    /// the kind, one of a kind.
    public let subject: String
    /// Its place among documents on the same subject.
    public let version: DocumentVersion
    /// The JWS.
    public let text: String
    /// Its place in the summary.
    let bucket: Int

    init<Content>(_ subject: String, _ document: StoredDocument<Content>) {
      kind = Content.kind
      self.subject = subject
      version = document.version
      text = document.text
      bucket = DirectorySummary.bucket(of: Content.kind, subject)
    }

    /// By text, from which the rest follows.
    public static func == (left: Record, right: Record) -> Bool { left.text == right.text }
    /// By text.
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
  }

  /// Everything held: who rules first, since the rest is signed by it; then revocations, so that who reads them
  /// in order never links to a revoked site.
  public var records: [Record] {
    let bySubject = held.values.sorted { $0.subject < $1.subject }
    return (chain.successions.map(\.version) + chain.charters.map(\.version) + revocations.map(\.version))
      .compactMap { held[$0.hash] }
      + bySubject.filter { $0.kind == .membership } + bySubject.filter { $0.kind == .descriptor }
  }

  /// The documents held, as received.
  public func allDocuments() -> [String] { records.map(\.text) }

  /// What this directory holds, in brief. Successions are not in it: the authority to which they lead is.
  /// - Parameter buckets: those of the ``summary`` to look at; nil for all.
  public func digest(of buckets: Set<Int>? = nil) -> DirectoryDigest {
    var digest = DirectoryDigest(
      memberships: [:], descriptors: [:], revocations: [], authority: authority, charters: [])
    for record in records where buckets?.contains(record.bucket) != false {
      switch record.kind {
      case .membership: digest.memberships[record.subject] = record.version
      case .descriptor: digest.descriptors[record.subject] = record.version
      case .revocations: digest.revocations.append(record.subject)
      case .charter: digest.charters?.append(record.subject)
      case .succession: break
      case .invitation, .request, .answer: break  // never in a directory
      }
    }
    return digest
  }

  /// The documents that the directory of that digest lacks. To one under another authority it is all that the
  /// authority here has signed: which of the two counts, and with what, shows only when it is read together.
  /// - Parameter buckets: those that the digest is of; nil for all.
  public func documents(missingFrom digest: DirectoryDigest, in buckets: Set<Int>? = nil) -> [String] {
    let revocations = Set(digest.revocations)
    let charters = Set(digest.charters ?? [])
    let isOlderVersion = digest.authority == nil
    let hasOtherAuthority = !isOlderVersion && digest.authority != authority
    let missing = records.filter { record in
      guard hasOtherAuthority || buckets?.contains(record.bucket) != false else { return false }
      return switch record.kind {
      case .descriptor: digest.descriptors[record.subject].map { $0 < record.version } ?? true
      case .succession: hasOtherAuthority
      case .charter: !isOlderVersion && (hasOtherAuthority || !charters.contains(record.subject))
      // Not only the newer one: an inviter's serial says nothing against the authority's.
      case .membership: hasOtherAuthority || digest.memberships[record.subject] != record.version
      case .revocations: hasOtherAuthority || !revocations.contains(record.subject)
      case .invitation, .request, .answer: false
      }
    }
    return missing.map(\.text)
  }
}
