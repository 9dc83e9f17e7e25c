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
}

extension Directory {
  /// A document as it is kept outside of memory: what it is about, and its text.
  public struct Record: Hashable, Sendable {
    /// The kind.
    public let kind: DocumentKind
    /// The site name of a membership, the identity of a descriptor, the hash of a list of revocations: with
    /// the kind, one of a kind.
    public let subject: String
    /// Its place among documents on the same subject.
    public let version: DocumentVersion
    /// The JWS.
    public let text: String

    fileprivate init<Content>(_ subject: String, _ document: StoredDocument<Content>) {
      kind = Content.kind
      self.subject = subject
      version = document.version
      text = document.text
    }
  }

  /// Everything held: revocations first, so that who reads them in order never links to a revoked site.
  public var records: [Record] {
    revocations.map { Record($0.version.hash, $0) }
      + memberships.sorted { $0.key < $1.key }.map { Record($0.key.description, $0.value) }
      + descriptors.sorted { $0.key < $1.key }.map { Record($0.key.description, $0.value) }
  }

  /// The documents held, as received.
  public func allDocuments() -> [String] { records.map(\.text) }

  /// What this directory holds, in brief.
  public func digest() -> DirectoryDigest {
    var digest = DirectoryDigest(memberships: [:], descriptors: [:], revocations: [])
    for record in records {
      switch record.kind {
      case .membership: digest.memberships[record.subject] = record.version
      case .descriptor: digest.descriptors[record.subject] = record.version
      case .revocations: digest.revocations.append(record.subject)
      case .invitation, .request, .answer: break  // never in a directory
      }
    }
    return digest
  }

  /// The documents that are newer here than in the directory of that digest.
  public func documents(missingFrom digest: DirectoryDigest) -> [String] {
    let known = Set(digest.revocations)
    let missing = records.filter { record in
      switch record.kind {
      case .membership: digest.memberships[record.subject].map { $0 < record.version } ?? true
      case .descriptor: digest.descriptors[record.subject].map { $0 < record.version } ?? true
      case .revocations: !known.contains(record.subject)
      case .invitation, .request, .answer: false
      }
    }
    return missing.map(\.text)
  }
}
