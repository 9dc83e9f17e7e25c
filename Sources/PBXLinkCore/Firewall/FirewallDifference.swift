// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The first place where two tables differ; nil on one side means that the line is missing there.
public struct FirewallDifference: Hashable, Sendable, CustomStringConvertible {
  /// The line that is wanted.
  public let wanted: String?
  /// The line that was found.
  public let found: String?

  /// "wanted '…', found '…'".
  public var description: String {
    "wanted \(wanted.map { "'\($0)'" } ?? "nothing"), found \(found.map { "'\($0)'" } ?? "nothing")"
  }

  /// Compares rules by position and sets by content; nil when the tables are equal but for ignored sets.
  public init?(wanted: ObservedFirewall, found: ObservedFirewall, ignoring ignored: [String] = []) {
    for index in 0..<max(wanted.lines.count, found.lines.count) {
      let pair = (
        index < wanted.lines.count ? wanted.lines[index] : nil,
        index < found.lines.count ? found.lines[index] : nil
      )
      guard pair.0 != pair.1 else { continue }
      (self.wanted, self.found) = pair
      return
    }
    let ignored = Set(ignored.flatMap { [FirewallTable.set($0, .v4), FirewallTable.set($0, .v6)] })
    for name in Set(wanted.elements.keys).union(found.elements.keys).subtracting(ignored).sorted() {
      let (left, right) = (wanted.elements[name] ?? [], found.elements[name] ?? [])
      guard left != right else { continue }
      self.wanted = left.subtracting(right).min().map { "set \(name): \($0)" }
      self.found = right.subtracting(left).min().map { "set \(name): \($0)" }
      return
    }
    return nil
  }
}
