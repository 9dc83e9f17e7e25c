// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The difference between what is and what should be, for people and for `--json`.
public struct Plan: Hashable, Sendable, Codable {
  /// One change.
  public struct Step: Hashable, Sendable, Codable {
    /// The plane it belongs to: tunnel, firewall or trunk.
    public let plane: String
    /// What is done.
    public let change: String
    /// How long calls on the link are silent while it is done, in seconds, as measured for this kind of change.
    public let expectedGap: Double

    enum CodingKeys: String, CodingKey {
      case plane, change
      case expectedGap = "expected_gap_seconds"
    }

    /// A change.
    public init(plane: String, change: String, expectedGap: Double = 0) {
      self.plane = plane
      self.change = change
      self.expectedGap = expectedGap
    }
  }

  /// The form of this document.
  public var schema = "pbxlink.plan/1"
  /// The changes in the order in which they would be made.
  public let steps: [Step]
  /// Planes that could not be looked at, and why.
  public let unknown: [String]

  /// A plan.
  public init(steps: [Step], unknown: [String] = []) {
    self.steps = steps
    self.unknown = unknown
  }

  /// The plan as lines for a terminal.
  public func lines() -> [String] {
    let changes = steps.map { step in
      "\(step.plane): \(step.change)"
        + (step.expectedGap > 0 ? "   (expected gap \(step.expectedGap) s)" : "")
    }
    let summary =
      steps.isEmpty && unknown.isEmpty ? ["Nothing to change in tunnel, firewall and trunks."] : []
    return changes + unknown.map { "! \($0)" } + summary
  }
}
