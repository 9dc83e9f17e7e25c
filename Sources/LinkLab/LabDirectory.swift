// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Where a lab keeps what outlives the process that made it.
struct LabDirectory: Hashable, Sendable {
  static let labs = "/run/pbxlink-lab"
  static let roots = "/var/cache/pbxlink-lab/roots"

  let name: String

  var path: String { "\(Self.labs)/\(name)" }
  var state: String { "\(path)/lab.json" }
  var lock: String { "\(Self.labs)/\(name).lock" }

  /// The log of one thing in the lab, such as `paris-agent`.
  func log(_ subject: String) -> String { "\(path)/\(subject).log" }
}
