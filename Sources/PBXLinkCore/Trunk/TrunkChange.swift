// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One change that brings Asterisk from what is to what should be. The texts have no secret.
public enum TrunkChange: Hashable, Sendable, CustomStringConvertible {
  /// A trunk to a new site.
  case addPeer(SiteName)
  /// A trunk goes: its rules, its calls, its entries, in this order.
  case removePeer(SiteName)
  /// Settings of a trunk change; their names.
  case updatePeer(SiteName, settings: [String])
  /// What all sites share in one of our files.
  case updateFile(TrunkFile)
  /// The line in Asterisk's own file that includes ours.
  case addInclude(TrunkFile, parent: String)
  /// Asterisk does not use what the files say.
  case reload(reason: String)

  /// One line for people.
  public var description: String {
    switch self {
    case .addPeer(let site): "add the trunk to \(site)"
    case .removePeer(let site): "remove the trunk to \(site) and end its calls"
    case .updatePeer(let site, let settings):
      "update the trunk to \(site): \(settings.joined(separator: ", "))"
    case .updateFile(let file): "write pbxlink/\(file)"
    case .addInclude(let file, let parent): "add '\(IncludeLine.text(for: file))' to \(parent)"
    case .reload(let reason): "reload Asterisk: \(reason)"
    }
  }
}

/// The changes from what is to what should be: files, then sites, or a reload; none when nothing differs.
/// - Parameter rendered: the files of the configuration, if they are known already.
public func changes(
  from observed: ObservedTrunk, to configuration: TrunkConfiguration, rendered: TrunkFiles? = nil
) -> [TrunkChange] {
  let desired = rendered ?? TrunkFiles(rendering: configuration, enablingManager: !observed.managerIsOn)
  var changes = TrunkFile.allCases.compactMap { file in
    observed.missingIncludes[file].map { TrunkChange.addInclude(file, parent: $0) }
  }
  var old: [SiteName: [String]] = [:]
  var new: [SiteName: [String]] = [:]
  // Most often they are equal, and nobody asks whose part differs.
  for file in observed.files == desired ? [] : TrunkFile.allCases {
    let (before, after) = (TrunkFragments(observed.files[file]), TrunkFragments(desired[file]))
    let isOnlyMoved = observed.files[file] != desired[file] && before == after
    if before.shared != after.shared || isOnlyMoved { changes.append(.updateFile(file)) }
    old.merge(before.sites) { $0 + $1 }
    new.merge(after.sites) { $0 + $1 }
  }
  for site in Set(old.keys).union(new.keys).sorted() {
    switch (old[site], new[site]) {
    case (nil, _): changes.append(.addPeer(site))
    case (_, nil): changes.append(.removePeer(site))
    case (let before?, let after?) where before != after:
      changes.append(.updatePeer(site, settings: TrunkFragments.differences(before, after)))
    default: break
    }
  }
  if changes.isEmpty, let live = observed.livePeers {
    if !observed.isVerified {
      changes.append(.reload(reason: "its files were written and not yet loaded"))
    } else if let mismatch = configuration.mismatches(with: live).first {
      changes.append(.reload(reason: mismatch.description))
    }
  }
  return changes
}
