// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("A path that is too poor for calls")
struct DegradationTests {
  /// The seconds at which it changes, with a rating each second.
  private func changes(minimum: Double = 3.6, _ ratings: [Double?]) -> [Int] {
    var degradation = Degradation()
    var changes: [Int] = []
    for (second, mos) in ratings.enumerated() {
      let before = degradation.isDegraded
      degradation.update(mos: mos, minimum: minimum, at: .seconds(second))
      if degradation.isDegraded != before { changes.append(second) }
    }
    return changes
  }

  private func many(_ count: Int, _ mos: Double?) -> [Double?] { Array(repeating: mos, count: count) }

  @Test("is one after five seconds below the limit, and none after a minute well above it")
  func marks() {
    #expect(changes(many(10, 4.4) + many(30, 3.5) + many(100, 3.85)) == [15, 100])
  }

  @Test("neither a short dip nor a short recovery counts, and on the edge nothing changes")
  func hysteresis() {
    #expect(changes(many(5, 4.4) + many(5, 2.0) + many(60, 4.4)).isEmpty)
    #expect(changes(many(9, 2.0) + many(60, 4.4) + many(1, 3.7) + many(60, 4.4)) == [5])
    #expect(changes((0..<500).map { $0.isMultiple(of: 2) ? 3.5 : 3.7 }).isEmpty)
    #expect(changes(many(9, 2.0) + (0..<500).map { $0.isMultiple(of: 2) ? 3.7 : 3.9 }) == [5])
  }

  @Test("what is not rated changes nothing")
  func unknown() {
    #expect(changes(many(4, 2.0) + many(50, nil) + many(1, 2.0)) == [54])
    #expect(changes(many(500, nil)).isEmpty)
  }

  @Test("a limit of 1 never counts, and the highest one lets a line without fault recover")
  func limits() {
    #expect(changes(minimum: 1, many(500, 1)).isEmpty)
    #expect(changes(minimum: 4.4, many(20, 4.3) + many(100, 4.41)) == [5, 80])
  }

  @Test("probes that are lost degrade a path that stays up, until they no longer are")
  func probes() throws {
    var line = ProbedLine()
    line.standard = CallStandard(codec: "ulaw", minimumMOS: 3.6)
    line.run(for: .seconds(50))
    line.loss = [0, 0.25]
    line.run(for: .seconds(100))
    line.loss = [0, 0]
    line.run(for: .seconds(150))
    for site in line.sites {
      #expect(site.conditions == [.unknown, .up, .degraded, .up])
      let times = site.course.map { Int($0.at.components.seconds) }
      #expect((60...75).contains(times[2]) && (205...240).contains(times[3]), "\(times)")
      #expect(site.probe?.state.roundTrip != nil)
    }
  }

  @Test("an outage that is over does not degrade the path that is up again, nor does a short break")
  func outage() {
    for length in [0.3, 0.8, 1.2, 3, 7, 20, 65] {
      var line = ProbedLine()
      line.standard = CallStandard(codec: "ulaw", minimumMOS: 3.6)
      line.run(for: .seconds(50))
      line.loss = [1, 1]
      line.run(for: .seconds(length))
      line.loss = [0, 0]
      line.run(for: .seconds(150))
      for site in line.sites {
        #expect(
          site.conditions == (length < 1.5 ? [.unknown, .up] : [.unknown, .up, .down, .up]), "\(length)")
      }
    }
  }

  @Test("a codec without published constants is rated as G.711")
  func codecs() {
    #expect(CallStandard(codec: "opus", minimumMOS: 3).codec == .g711)
    #expect(CallStandard(codec: nil, minimumMOS: 3).codec == .g711)
    #expect(CallStandard(codec: "g729", minimumMOS: 3).codec == .g729)
  }
}
