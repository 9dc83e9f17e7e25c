// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Emergency numbers")
struct EmergencyNumbersTests {
  @Test(
    "each built-in number and each of the site's own is refused",
    arguments: ["112", "911", "933", "999", "115"])
  func included(number: String) throws {
    let pattern = try #require(ExtensionPattern(number))
    let numbers = try EmergencyNumbers(adding: ["115", "911"])
    let error = #expect(throws: NumberPlanError.self) { try numbers.check([pattern]) }
    #expect(
      error?.description
        == "extension '\(number)' includes the emergency number \(number): choose another extension")
  }

  @Test("the error says how to write the rest of the pattern")
  func remedy() throws {
    let pattern = try #require(ExtensionPattern("9XX"))
    let error = #expect(throws: NumberPlanError.self) { try EmergencyNumbers().check([pattern]) }
    #expect(
      error?.description
        == "extension '9XX' includes the emergency numbers 911, 933, 999: "
        + "write 9[024-8]X, 91[02-9], 93[0-24-9], 99[0-8] instead")
  }

  @Test(
    "what the remedy proposes passes and loses nothing else", arguments: ["9XX", "XXX", "_1[0-4]X", "[19]1X"])
  func remedyPasses(text: String) throws {
    let pattern = try #require(ExtensionPattern(text))
    let numbers = try EmergencyNumbers(adding: ["110"])
    let error = #expect(throws: NumberPlanError.self) { try numbers.check([pattern]) }
    guard case .includesEmergencyNumber(_, let included, let remainder) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(throws: Never.self) { try numbers.check(remainder) }
    #expect(remainder.map(\.size).reduce(0, +) == pattern.size - included.count)
  }

  @Test("other lengths and other numbers pass")
  func others() throws {
    let patterns = try ExtensionPattern.parse("2XX,9XXX,91,9[02-9][0124-8]")
    #expect(throws: Never.self) { try EmergencyNumbers().check(patterns) }
  }

  @Test(
    "an emergency number is plain digits",
    arguments: ["", "1", "1X", "_112", "11a", "1234567890123456", "[1]12"])
  func invalid(text: String) {
    #expect(throws: NumberPlanError.invalidEmergencyNumber(text)) { try EmergencyNumbers(adding: [text]) }
  }
}
