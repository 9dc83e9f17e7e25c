// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// All findings of one run of `pbxlink doctor`; its JSON form has the schema `pbxlink.doctor/1`.
public struct Examination: Hashable, Sendable, Codable {
  /// The form of this document.
  public var schema = "pbxlink.doctor/1"
  /// When it was made, RFC 3339.
  public let time: String
  /// The version of the command.
  public let version: String
  /// The findings: the worst group first, in it the worst finding first.
  public let findings: [Finding]

  /// The findings in the order of the report.
  public init(_ findings: [Finding], at now: Timestamp) {
    time = now.description
    version = Version.current
    func worst(_ group: Finding.Group) -> Finding.Severity {
      findings.filter { $0.group == group }.map(\.severity).max() ?? .ok
    }
    // Sorting keeps the order of equals, so nothing moves between two runs with the same findings.
    let groups = Finding.Group.allCases.sorted { worst($0) > worst($1) }
    self.findings = groups.flatMap { group in
      findings.filter { $0.group == group }.sorted { $0.severity > $1.severity }
    }
  }

  /// Whether anything must be put right before links work and are safe.
  public var hasErrors: Bool { findings.contains { $0.severity == .error } }

  /// The report for a terminal; warnings and errors begin with "!".
  public func lines() -> [String] {
    var lines: [String] = []
    var group: Finding.Group?
    for finding in findings {
      if finding.group != group { lines += (lines.isEmpty ? [] : [""]) + [finding.group.rawValue] }
      group = finding.group
      let mark = finding.severity >= .warning ? "! " : "  "
      let severity = finding.severity.rawValue.padded(to: 7)
      lines.append("  \(mark)\(severity)  \(finding.id): \(finding.found)")
      if let remedy = finding.remedy { lines.append("             -> \(remedy)") }
    }
    return lines + ["", summary]
  }

  private var summary: String {
    let counts = Finding.Severity.allCases.reversed().compactMap { severity -> String? in
      let count = findings.count { $0.severity == severity }
      guard count > 0 else { return nil }
      return severity == .ok ? "\(count) ok" : "\(count) \(severity)\(count == 1 ? "" : "s")"
    }
    return counts.joined(separator: ", ") + "."
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
