// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What one document changed in a directory.
public enum DirectoryChange: Hashable, Sendable {
  /// A site has another membership.
  case membership(SiteName)
  /// A site has another descriptor.
  case descriptor(SiteName, identity: PublicKey)
  /// An identity is out.
  case revoked(Revocations.Entry)
  /// The recovery key is known, or another one is.
  case charter(serial: UInt64)
  /// Another authority rules; what the former one has signed counts no more.
  case authority(PublicKey, serial: UInt64)
  /// Two documents claim the same place: a key is in use on two machines, or a state was put back in time.
  case forked(DocumentKind, subject: String, DocumentVersion, DocumentVersion)
}

extension DirectoryChange: CustomStringConvertible {
  /// One line for the journal.
  public var description: String {
    switch self {
    case .membership(let site): "new membership of site '\(site)'"
    case .descriptor(let site, _): "new descriptor of site '\(site)'"
    case .revoked(let entry): "site '\(entry.site)' revoked: \(entry.reason)"
    case .charter: "the authority has named a recovery key"
    case .authority(let key, let serial): "authority \(serial) of this mesh is \(key) now"
    case .forked(let kind, let subject, let first, let second):
      "two different \(kind.rawValue) documents of \(subject) follow each other or share a serial: "
        + "\(min(first, second)) and \(max(first, second)); its key is in use twice, or it was restored from a "
        + "backup"
    }
  }
}
