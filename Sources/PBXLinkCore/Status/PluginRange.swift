// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A range of values in the syntax of monitoring plugins, `[@][START:]END`: a value outside of it is an alert, with `@` one
/// inside. START is 0 unless given, `~` is minus infinity, an END that is left out is infinity. Both ends are in the
/// range (Monitoring Plugins Development Guidelines, "Threshold and Ranges").
public struct PluginRange: Hashable, Sendable, LosslessStringConvertible {
  private let start, end: Double
  private let isInverted: Bool
  /// As it was written.
  public let description: String

  /// Parses `10`, `10:`, `~:10`, `10:20` or `@10:20`; nil for anything else, and where START is above END.
  public init?(_ text: String) {
    var rest = text[...]
    isInverted = rest.first == "@"
    if isInverted { rest.removeFirst() }
    let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
    func number(_ text: Substring) -> Double? {
      guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || [0x2d, 0x2e].contains($0) })
      else { return nil }
      return Double(text)
    }
    switch parts.count {
    case 1:
      guard let end = number(parts[0]) else { return nil }
      (start, self.end) = (0, end)
    case 2:
      guard let start = parts[0] == "~" ? -.infinity : parts[0].isEmpty ? 0 : number(parts[0]),
        let end = parts[1].isEmpty ? .infinity : number(parts[1])
      else { return nil }
      (self.start, self.end) = (start, end)
    default: return nil
    }
    guard start <= end else { return nil }
    description = text
  }

  /// Whether a value is an alert.
  public func isAlert(_ value: Double) -> Bool { (start...end).contains(value) == isInverted }
}
