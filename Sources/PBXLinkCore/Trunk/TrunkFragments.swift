// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A generated file cut into what belongs to each site and what all share.
///
/// The generator puts a comment before each site's part, so that a plan can name the site that a change
/// touches without understanding the rest.
struct TrunkFragments: Hashable {
  static let end = "; shared"
  static func marker(_ site: SiteName) -> String { "; site \(site)" }

  private(set) var shared: [String] = []
  private(set) var sites: [SiteName: [String]] = [:]

  init(_ text: String) {
    var current: SiteName?
    for line in text.split(separator: "\n", omittingEmptySubsequences: true).map(String.init) {
      if line == Self.end {
        current = nil
      } else if line.hasPrefix("; site "), let site = SiteName(String(line.dropFirst(7))) {
        current = site
        sites[site, default: []] += []
      } else if let site = current {
        sites[site, default: []].append(line)
      } else {
        shared.append(line)
      }
    }
  }

  /// The names of the settings in which two parts differ; never their values.
  static func differences(_ old: [String], _ new: [String]) -> [String] {
    let changed = Set(old).symmetricDifference(new)
    let names = changed.map { line in
      if line.hasPrefix("[") { return "users" }
      if line.contains("=>") { return "dialplan" }
      return String(line.prefix { $0 != "=" })
    }
    return names.isEmpty ? ["order"] : Set(names).sorted()
  }
}
