// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import LinkLab

/// The figures of one demo.
struct DemoReport: Codable, Sendable {
  /// One step and how long it took.
  struct Step: Codable, Sendable {
    var title: String
    var seconds: Double
  }

  /// One site that was added.
  struct AddedSite: Codable, Sendable {
    var site: String
    /// From typing `add-site` to the link's being up at both ends.
    var addSiteToLinkSeconds: Double
    /// From typing `add-site` to the first answered call.
    var addSiteToFirstCallSeconds: Double
  }

  /// The layout of this report.
  var version = 1
  /// Whether every step succeeded.
  var succeeded = false
  /// Of the first site that was added.
  var addSiteToFirstCallSeconds: Double?
  var totalSeconds = 0.0
  var sites: [AddedSite] = []
  var steps: [Step] = []
  var calls: [CallRecord] = []
}
