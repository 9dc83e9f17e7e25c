// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension JournalEntry {
  /// The entry for a change in the directory.
  public init(_ change: DirectoryChange) {
    switch change {
    case .membership(let site), .descriptor(let site, _):
      self.init(.documentAccepted, site: site, change.description)
    case .charter: self.init(.documentAccepted, change.description)
    case .authority: self.init(.authorityChanged, change.description)
    case .revoked(let entry): self.init(.siteRevoked, site: entry.site, change.description)
    case .forked: self.init(.siteForked, change.description)
    }
  }
}
