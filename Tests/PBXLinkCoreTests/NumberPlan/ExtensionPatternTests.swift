// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Extension patterns")
struct ExtensionPatternTests {
  @Test(
    "the canonical text has no underscore and the shortest class",
    arguments: [
      ("2XX", "2XX"), ("_2XX", "2XX"), ("_2xx", "2XX"), ("2[0-9]X", "2XX"), ("2[1-9]X", "2ZX"),
      ("[2-9]ZX", "NZX"), ("3[0-4]XX", "3[0-4]XX"), ("3[43210]", "3[0-4]"), ("3[0-1]", "3[01]"),
      ("2[5]", "25"), ("1[0-24-68]0", "1[0-24-68]0"), ("2040", "2040"), ("0[02-9]", "0[02-9]"),
    ])
  func canonicalText(text: String, canonical: String) throws {
    let pattern = try #require(ExtensionPattern(text))
    #expect(pattern.description == canonical)
    #expect(ExtensionPattern(canonical) == pattern)
  }

  @Test(
    "Asterisk gets an underscore only where there is a wildcard",
    arguments: [("2XX", "_2XX"), ("_3[0-4]X", "_3[0-4]X"), ("2040", "2040"), ("_2040", "2040")])
  func asteriskPattern(text: String, expected: String) throws {
    #expect(try #require(ExtensionPattern(text)).asteriskPattern == expected)
  }

  @Test(
    "what is not a fixed-length pattern is refused with the reason",
    arguments: [
      ("_2X.", "any number of digits"), ("2!", "any number of digits"), ("", "0 digits"), ("_", "0 digits"),
      ("2", "1 digits"), ("1234567890123456", "16 digits"), ("3[0-4", "no ']'"), ("3[]4", "not a class"),
      ("3[4-0]", "not a class"), ("3[a]", "not a class"), ("3[0-]", "not a class"), ("3[-4]", "not a class"),
      ("3[X]", "not a class"), ("3]4", "neither a digit"), ("2*1", "neither a digit"),
      ("2٣4", "neither a digit"), ("2 4", "neither a digit"), ("_200-299", "belongs between"),
      ("2X-3X", "belongs between"), ("299-200", "lower one"), ("99-200", "same number of digits"),
      ("200-", "a range is two numbers"), ("-200", "a range is two numbers"),
      ("200-250-299", "a range is two numbers"), ("1-5", "a range is two numbers"), ("200,,300", "0 digits"),
    ])
  func refusal(text: String, reason: String) {
    let error = #expect(throws: NumberPlanError.self) { try ExtensionPattern.parse(text) }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    #expect(ExtensionPattern(text) == nil)
  }

  @Test(
    "a range becomes the fewest unbroken runs",
    arguments: [
      ("200-299", "2XX"), ("150-349", "1[5-9]X 2XX 3[0-4]X"), ("200-200", "200"), ("00-99", "XX"),
      ("195-203", "19[5-9] 20[0-3]"), ("1000-8999", "[1-8]XXX"), ("100-109", "10X"),
      ("000000000000000-999999999999999", "XXXXXXXXXXXXXXX"), ("2XX, 300-310 ,_40Z", "2XX 30X 310 40Z"),
    ])
  func ranges(text: String, expected: String) throws {
    #expect(try ExtensionPattern.parse(text).map(\.description).joined(separator: " ") == expected)
  }

  @Test("a range names exactly its numbers, in as few runs as any choice", arguments: 0..<50)
  func rangeIsExactAndMinimal(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let low = Int.random(in: 0...999, using: &random)
    let high = Int.random(in: low...999, using: &random)
    let patterns = try ExtensionPattern.parse("\(threeDigits(low))-\(threeDigits(high))")
    for number in 0...999 {
      let matching = patterns.count { $0.matches(threeDigits(number)) }
      #expect(matching == ((low...high).contains(number) ? 1 : 0))
    }
    // Every unbroken run: fixed digits, one class, Xs.
    var runs: [ClosedRange<Int>] = []
    for unit in [1, 10, 100] {
      for first in 0..<1000 / unit {
        for last in first...first / 10 * 10 + 9 {
          let run = first * unit...(last + 1) * unit - 1
          if run.lowerBound >= low, run.upperBound <= high { runs.append(run) }
        }
      }
    }
    var fewest = 0
    var next = low
    while next <= high {
      next = try #require(runs.filter { $0.contains(next) }.map { $0.upperBound }.max()) + 1
      fewest += 1
    }
    #expect(patterns.count == fewest)
  }

  @Test("overlap, coverage and subtraction agree with counting the numbers", arguments: 0..<200)
  func setAlgebra(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let numbers = (0...999).map(threeDigits)
    let left = randomPattern(using: &random)
    let right = randomPattern(using: &random)
    let named = { (pattern: ExtensionPattern) in Set(numbers.filter(pattern.matches)) }
    #expect(named(left).count == left.size)
    #expect(left.overlaps(right) == !named(left).isDisjoint(with: named(right)))
    #expect(left.overlaps(right) == right.overlaps(left))
    let pieces = left.subtracting(right)
    #expect(pieces.map(\.size).reduce(0, +) == named(left).subtracting(named(right)).count)
    #expect(pieces.reduce(into: Set()) { $0.formUnion(named($1)) } == named(left).subtracting(named(right)))
    let several = (0..<Int.random(in: 0...6, using: &random)).map { _ in randomPattern(using: &random) }
    let union = several.reduce(into: Set<String>()) { $0.formUnion(named($1)) }
    #expect(several.covers(left) == named(left).isSubset(of: union))
    #expect((pieces + [right]).covers(left))
    #expect(ExtensionPattern(left.description) == left)
    #expect([left < right, right < left, left == right].count { $0 } == 1)
  }

  @Test("patterns of another length share nothing")
  func lengths() throws {
    let three = try #require(ExtensionPattern("2XX"))
    let four = try #require(ExtensionPattern("2XXX"))
    #expect(!three.overlaps(four))
    #expect(![four].covers(three))
    #expect(!three.matches("2000") && !three.matches("20") && !three.matches("2٠0"))
  }

  @Test("a union covers what none of its patterns covers alone")
  func unionCovers() throws {
    let halves = try ExtensionPattern.parse("2[0-4]X,2[5-9]X")
    let whole = try #require(ExtensionPattern("2XX"))
    #expect(halves.covers(whole))
    #expect(![halves[0]].covers(whole))
    #expect(![ExtensionPattern]().covers(whole))
  }

  private func threeDigits(_ number: Int) -> String {
    String(repeating: "0", count: 3 - String(number).count) + String(number)
  }

  private func randomPattern(using random: inout SplitMix64) -> ExtensionPattern {
    let digits: [DigitSet] = (0..<3).map { _ in
      Bool.random(using: &random) ? .x : DigitSet(rawValue: UInt16.random(in: 1..<1024, using: &random))
    }
    return ExtensionPattern(positions: digits)
  }
}
