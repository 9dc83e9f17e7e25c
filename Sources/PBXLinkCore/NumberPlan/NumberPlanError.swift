// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Why an extension pattern, a range or an emergency number was refused.
public enum NumberPlanError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Not a pattern or range that names numbers of one length.
  case invalidExtension(String, reason: String)
  /// Not an emergency number: 2 to 15 digits.
  case invalidEmergencyNumber(String)
  /// A pattern that includes emergency numbers; `remainder` is what is left of it without them.
  case includesEmergencyNumber(
    pattern: ExtensionPattern, numbers: [String], remainder: [ExtensionPattern])

  /// What was refused, why, and what to write instead.
  public var description: String {
    switch self {
    case .invalidExtension(let text, let reason):
      return "extension '\(text.prefix(80))' refused: \(reason)"
    case .invalidEmergencyNumber(let text):
      return "emergency number '\(text.prefix(80))' refused: write 2 to 15 digits, such as 115"
    case .includesEmergencyNumber(let pattern, let numbers, let remainder):
      let remedy =
        remainder.isEmpty
        ? "choose another extension"
        : "write \(remainder.map(\.description).joined(separator: ", ")) instead"
      let noun = numbers.count == 1 ? "emergency number" : "emergency numbers"
      return "extension '\(pattern)' includes the \(noun) \(numbers.joined(separator: ", ")): \(remedy)"
    }
  }
}
