// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The numbers that no extension may shadow and no peer may reach: a call to one must leave by this site's
/// own line, where the dispatcher sees this site's address.
public struct EmergencyNumbers: Hashable, Sendable {
  /// 112 (3GPP TS 22.101 §10.1), 911 (North America), 999 (United Kingdom and others), and 933, which tests
  /// a line's 911 address.
  public static let builtIn = ["112", "911", "933", "999"]

  /// The built-in numbers and the site's own, sorted.
  public let numbers: [String]

  /// The built-in numbers alone.
  public static let standard = Self(numbers: builtIn)

  private init(numbers: [String]) { self.numbers = numbers }

  /// The built-in numbers and those that a site file lists.
  public init(adding own: [String] = []) throws(NumberPlanError) {
    for number in own where ExtensionPattern(number).map({ $0.size == 1 && $0.description == number }) != true
    {
      throw .invalidEmergencyNumber(number)
    }
    numbers = Set(Self.builtIn + own).sorted()
  }

  /// Refuses the first pattern that includes one of the numbers.
  public func check(_ patterns: [ExtensionPattern]) throws(NumberPlanError) {
    for pattern in patterns {
      let included = numbers.filter(pattern.matches)
      guard !included.isEmpty else { continue }
      let remainder = included.compactMap { ExtensionPattern($0) }.reduce([pattern]) { pieces, number in
        pieces.flatMap { $0.subtracting(number) }
      }
      throw .includesEmergencyNumber(pattern: pattern, numbers: included, remainder: remainder.sorted())
    }
  }
}
