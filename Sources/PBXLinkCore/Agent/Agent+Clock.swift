// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Agent {
  /// Seconds by which clocks may differ before it is told.
  static let clockTolerance: Int64 = 120

  /// A site has told its time.
  mutating func note(clock: Timestamp, of name: SiteName, at now: Timestamp) {
    guard let site = linkedSites(at: now).first(where: { $0.name == name }) else { return }
    clockOffsets[site.identity] = clock - now
  }

  /// Whether other sites say what our clock says.
  func isClockConfirmed(at now: Timestamp) -> Bool {
    !clockOffsets.isEmpty && clockDeviation(at: now) == nil
  }

  /// The seconds by which the other sites' clocks are ahead of ours, by the one in the middle, when that is
  /// more than tolerable: most of them would have to be wrong for ours to be right.
  public func clockDeviation(at now: Timestamp) -> Int64? {
    let linked = Set(linkedSites(at: now).map(\.identity))
    let offsets = clockOffsets.filter { linked.contains($0.key) }.values.sorted()
    guard !offsets.isEmpty else { return nil }
    // Of two, the one that says less: a single site with a wrong clock raises no doubt about ours.
    let middle = offsets.count == 2 ? offsets.min { abs($0) < abs($1) } : offsets[offsets.count / 2]
    return middle.flatMap { abs($0) > Self.clockTolerance ? $0 : nil }
  }
}
