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
  func probes() {
    let standard = CallStandard(codec: "ulaw", minimumMOS: 3.6)
    var probe = PathProbe(interval: .milliseconds(500), at: .zero)
    var (reached, times): (UInt32, [PathState.Condition: Int]) = (0, [:])
    for index in 0..<600 {
      let now = Duration.milliseconds(500 * index)
      let stamp = NTPTimestamp(
        unixSeconds: now.components.seconds, nanoseconds: now.components.attoseconds / 1_000_000_000)
      let packet = probe.send(at: now, timestamp: stamp)
      // From the 50th second to the 150th each fourth is lost.
      if !((100..<300).contains(index) && index.isMultiple(of: 4)) {
        let answer = STAMPReflection(to: packet, number: reached, receivedAt: stamp, ttl: 255, sentAt: stamp)
        reached += 1
        probe.receive(answer, at: now + .milliseconds(20))
      }
      let before = probe.state.condition
      probe.rate(by: standard, at: now)
      if probe.state.condition != before { times[probe.state.condition] = index / 2 }
      #expect(index < 3 || probe.state.isUp && probe.state.roundTrip != nil)
    }
    #expect(times[.degraded].map { (60...75).contains($0) } == true, "\(times)")
    #expect(times[.up].map { (210...235).contains($0) } == true, "\(times)")
  }

  @Test("an outage that is over does not degrade the path that is up again, nor does a short break")
  func outage() {
    let standard = CallStandard(codec: "ulaw", minimumMOS: 3.6)
    for length in [3, 5, 7, 15, 40, 130] {
      var probe = PathProbe(interval: .milliseconds(500), at: .zero)
      var (reached, conditions): (UInt32, [PathState.Condition]) = (0, [])
      for index in 0..<400 {
        let now = Duration.milliseconds(500 * index + 100)
        let stamp = NTPTimestamp(
          unixSeconds: now.components.seconds, nanoseconds: now.components.attoseconds / 1_000_000_000)
        let packet = probe.send(at: now, timestamp: stamp)
        if !(100..<100 + length).contains(index) {
          probe.receive(
            STAMPReflection(to: packet, number: reached, receivedAt: stamp, ttl: 255, sentAt: stamp),
            at: now + .milliseconds(20))
          reached += 1
        }
        probe.rate(by: standard, at: now)
        if conditions.last != probe.state.condition { conditions.append(probe.state.condition) }
      }
      #expect(conditions == (length < 6 ? [.unknown, .up] : [.unknown, .up, .down, .up]), "\(length)")
    }
  }

  @Test("a codec without published constants is rated as G.711")
  func codecs() {
    #expect(CallStandard(codec: "opus", minimumMOS: 3).codec == .g711)
    #expect(CallStandard(codec: nil, minimumMOS: 3).codec == .g711)
    #expect(CallStandard(codec: "g729", minimumMOS: 3).codec == .g729)
  }
}
