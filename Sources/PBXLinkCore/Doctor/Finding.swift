// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One thing that `pbxlink doctor` looked at, and what to do about it.
public struct Finding: Hashable, Sendable {
  /// How much it matters, the least first.
  public enum Severity: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// As it should be.
    case ok
    /// Worth knowing, or could not be looked at.
    case notice
    /// Calls may fail, or something is less safe than it could be.
    case warning
    /// Links or calls do not work, or something is not safe.
    case error

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// The less important one first.
    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
  }

  /// What a finding is about, in the order of the report.
  public enum Group: String, Hashable, Sendable, Codable, CaseIterable {
    case agent, asterisk, tunnel, firewall, clock, ports, files
  }

  /// What it is about.
  public let group: Group
  /// A name that stays the same from version to version, for scripts.
  public let id: String
  /// How much it matters.
  public let severity: Severity
  /// What was found.
  public let found: String
  /// What to do; nil when nothing is to be done.
  public let remedy: String?

  /// A finding; anything but `ok` should have a remedy.
  public init(_ group: Group, _ id: String, _ severity: Severity, _ found: String, remedy: String? = nil) {
    self.group = group
    self.id = id
    self.severity = severity
    self.found = found
    self.remedy = remedy
  }

  /// Something that could not be looked at.
  init(_ group: Group, _ id: String, _ unseen: Unseen) {
    self.init(group, id, .notice, "not checked: \(unseen.reason)", remedy: unseen.remedy)
  }
}

extension Finding: Codable {
  enum CodingKeys: CodingKey { case group, id, severity, found, remedy }

  /// Encodes all keys: no remedy is null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(group, forKey: .group)
    try container.encode(id, forKey: .id)
    try container.encode(severity, forKey: .severity)
    try container.encode(found, forKey: .found)
    try container.encode(remedy, forKey: .remedy)
  }
}
