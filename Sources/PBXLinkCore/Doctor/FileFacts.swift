// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The site file, the state directory, the keys, and our files in Asterisk's directory.
public struct FileFacts: Sendable {
  /// The site file.
  public enum SiteFileState: Sendable {
    /// There is none: the defaults hold.
    case missing
    /// It is read without fault.
    case good
    /// It has a fault: file, line, column, key and what is wrong.
    case bad(String)
    /// Not known.
    case unseen(Unseen)
  }

  /// A file or directory, and what its owner and mode should be.
  public struct Entry: Hashable, Sendable {
    /// Its path.
    public var path: String
    /// User and group, by number.
    public var owner, group: UInt32
    /// The permission bits.
    public var mode: UInt32
    /// What owner and group should be; a nil group does not matter.
    public var wantedOwner: UInt32, wantedGroup: UInt32?
    /// The mode that it is given; bits beyond it are too many.
    public var wantedMode: UInt32
    /// Why it matters.
    public var reason: String

    /// An entry.
    public init(
      path: String, owner: UInt32, group: UInt32, mode: UInt32, wantedOwner: UInt32, wantedGroup: UInt32?,
      wantedMode: UInt32, reason: String
    ) {
      self.path = path
      self.owner = owner
      self.group = group
      self.mode = mode
      self.wantedOwner = wantedOwner
      self.wantedGroup = wantedGroup
      self.wantedMode = wantedMode
      self.reason = reason
    }
  }

  /// The path of the site file.
  public var siteFile: String
  /// What is with it.
  public var siteFileState: SiteFileState
  /// What there is.
  public var entries: Look<[Entry]>
  /// Why the database or the keys cannot be used; nil where they can, or this user may not look.
  public var stateFault: String?

  /// Facts about files.
  public init(siteFile: String, siteFileState: SiteFileState, entries: Look<[Entry]>, stateFault: String?) {
    self.siteFile = siteFile
    self.siteFileState = siteFileState
    self.entries = entries
    self.stateFault = stateFault
  }

  var findings: [Finding] { [site] + state + permissions }

  private var state: [Finding] {
    let isTold =
      entries.value?.contains { $0.fault != nil && stateFault?.hasPrefix($0.path) == true } ?? false
    guard let stateFault, !isTold else { return [] }
    return [
      Finding(
        .files, "state", .error, stateFault,
        remedy: "Put this right before the agent is started again: it does not start without its state.")
    ]
  }

  private var permissions: [Finding] {
    switch entries {
    case .unseen(let unseen): return [Finding(.files, "file-permissions", unseen)]
    case .seen(let entries):
      let faults = entries.compactMap(\.fault)
      let fine = Finding(
        .files, "file-permissions", .ok, "owners and modes of \(entries.count) files are as they should be")
      return faults.isEmpty && !entries.isEmpty ? [fine] : faults
    }
  }

  private var site: Finding {
    let id = "site-file"
    return switch siteFileState {
    case .missing:
      Finding(
        .files, id, .notice, "there is no \(siteFile): the defaults hold",
        remedy: "'pbxlink init' and 'pbxlink join' write one with comments.")
    case .good: Finding(.files, id, .ok, "\(siteFile) is read without fault")
    case .bad(let fault):
      Finding(
        .files, id, .error, fault,
        remedy:
          "Correct it; until then the agent keeps what it has read before, does not start anew, and the other "
          + "findings here go by the defaults.")
    case .unseen(let unseen): Finding(.files, id, unseen)
    }
  }
}

extension FileFacts.Entry {
  var fault: Finding? {
    let octal = String(wantedMode, radix: 8)
    if owner != wantedOwner || (wantedGroup.map { $0 != group } ?? false) {
      let wanted = "\(wantedOwner)" + (wantedGroup.map { ":\($0)" } ?? "")
      return Finding(
        .files, "file-owner", .error, "\(path) belongs to \(owner):\(group), not to \(wanted): \(reason)",
        remedy: "Run 'chown \(wanted) \(path)'.")
    }
    guard mode != wantedMode, mode & ~wantedMode != 0 || wantedMode & 0o040 & ~mode != 0 else { return nil }
    return Finding(
      .files, "file-mode", .error, "\(path) has mode \(String(mode, radix: 8)): \(reason)",
      remedy: "Run 'chmod \(octal) \(path)'.")
  }
}
