// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@Suite("Choice of the path in use")
struct PathSelectionTests {
  private static let both: [TunnelPath] = [.wireguard, .openvpnTCP]

  private func state(_ condition: PathState.Condition, since: Int = 0) -> PathState {
    PathState(condition, since: .seconds(since))
  }

  @Test(
    "the path in use is kept unless it is down and another works, or it is degraded and another is not",
    arguments: [
      // WireGuard, OpenVPN, in use before, in use after
      (.up, .up, .wireguard, .wireguard), (.up, .down, .wireguard, .wireguard),
      (.down, .up, .wireguard, .openvpnTCP), (.down, .down, .wireguard, .wireguard),
      (.down, .unknown, .wireguard, .wireguard), (.unknown, .up, .wireguard, .wireguard),
      (.unknown, .unknown, .openvpnTCP, .openvpnTCP), (.down, .up, .openvpnTCP, .openvpnTCP),
      (.up, .up, .openvpnTCP, .openvpnTCP), (.up, .down, .openvpnTCP, .wireguard),
      (.unknown, .down, .openvpnTCP, .openvpnTCP), (.down, .down, .openvpnTCP, .openvpnTCP),
      (.degraded, .up, .wireguard, .openvpnTCP), (.degraded, .degraded, .wireguard, .wireguard),
      (.degraded, .down, .wireguard, .wireguard), (.degraded, .unknown, .wireguard, .wireguard),
      (.up, .degraded, .openvpnTCP, .wireguard), (.degraded, .up, .openvpnTCP, .openvpnTCP),
      (.down, .degraded, .wireguard, .openvpnTCP), (.degraded, .down, .openvpnTCP, .wireguard),
    ] as [(PathState.Condition, PathState.Condition, TunnelPath, TunnelPath)])
  func table(
    wireguard: PathState.Condition, openvpn: PathState.Condition, before: TunnelPath, after: TunnelPath
  ) {
    var selection = PathSelection(Self.both, inUse: before)
    let states: [TunnelPath: PathState] = [.wireguard: state(wireguard), .openvpnTCP: state(openvpn)]
    #expect(selection.update(states: states, at: .seconds(29)) == after)
  }

  @Test("a better path is taken again after 30 s without a break")
  func back() {
    var selection = PathSelection(Self.both, inUse: .openvpnTCP)
    let states: [TunnelPath: PathState] = [.wireguard: state(.up, since: 100), .openvpnTCP: state(.up)]
    #expect(selection.update(states: states, at: .seconds(129)) == .openvpnTCP)
    #expect(selection.update(states: states, at: .seconds(130)) == .wireguard)
  }

  @Test("each return that fails doubles the wait, up to ten minutes; one that lasts ends that")
  func damping() {
    var selection = PathSelection(Self.both, inUse: .openvpnTCP)
    var now = 0
    for expected in [30, 60, 120, 240, 480, 600, 600] {
      #expect(selection.hold == .seconds(expected))
      let states: [TunnelPath: PathState] = [.wireguard: state(.up, since: now), .openvpnTCP: state(.up)]
      #expect(selection.update(states: states, at: .seconds(now + expected - 1)) == .openvpnTCP)
      now += expected
      #expect(selection.update(states: states, at: .seconds(now)) == .wireguard)
      now += 299
      let failed: [TunnelPath: PathState] = [.wireguard: state(.down, since: now), .openvpnTCP: state(.up)]
      #expect(selection.update(states: failed, at: .seconds(now)) == .openvpnTCP)
    }
    selection.update(states: [.wireguard: state(.up, since: now)], at: .seconds(now + 600))
    now += 900
    selection.update(
      states: [.wireguard: state(.down, since: now), .openvpnTCP: state(.up)], at: .seconds(now))
    #expect(selection.inUse == .openvpnTCP && selection.hold == .seconds(30))
  }

  @Test("a poor direct way that was left for a relay is not tried again before five minutes")
  func poorPath() {
    var selection = PathSelection([.wireguard, .relay], inUse: .wireguard)
    var states: [TunnelPath: PathState] = [.wireguard: state(.degraded), .relay: state(.up)]
    #expect(selection.update(states: states, at: .seconds(10)) == .relay)
    #expect(selection.hasLeftPoorPath)
    // All that is known of it meanwhile is that something comes by it.
    states[.wireguard] = state(.up, since: 10)
    #expect(selection.update(states: states, at: .seconds(309)) == .relay)
    states[.relay] = state(.degraded, since: 300)
    #expect(selection.update(states: states, at: .seconds(309)) == .relay, "that would be no better")
    #expect(selection.update(states: states, at: .seconds(310)) == .wireguard)
    #expect(!selection.hasLeftPoorPath)
  }

  @Test("a path that is no longer wanted is left, for one that works if there is one")
  func otherPreference() {
    var selection = PathSelection(Self.both, inUse: .wireguard)
    selection.preference = [.openvpnTCP]
    #expect(selection.update(states: [.wireguard: state(.up)], at: .zero) == .openvpnTCP)
    selection.preference = Self.both
    #expect(selection.update(states: [:], at: .zero) == .openvpnTCP)
    selection.preference = []
    #expect(selection.update(states: [:], at: .zero) == .openvpnTCP, "nothing to take instead")
  }

  @Test("whatever the paths do, the rules hold", arguments: 0..<50)
  func properties(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let preference = Self.both.shuffled(using: &random)
    var selection = PathSelection(preference, inUse: Self.both.randomElement(using: &random) ?? .wireguard)
    var states: [TunnelPath: PathState] = [:]
    let steadiness = Int.random(in: 2...60, using: &random)
    for second in 0..<5_000 {
      for path in preference where Int.random(in: 0..<steadiness, using: &random) == 0 {
        let condition = [PathState.Condition.up, .degraded, .down].randomElement(using: &random) ?? .up
        if states[path]?.condition != condition { states[path] = state(condition, since: second) }
      }
      let before = selection
      let inUse = selection.update(states: states, at: .seconds(second))
      #expect(inUse == selection.inUse && preference.contains(inUse))
      #expect(states[inUse]?.condition != .down || !states.values.contains(where: \.isUp))
      if inUse != before.inUse {
        #expect(states[inUse]?.isUp == true)
        let since = states[inUse]?.since ?? .zero
        if states[before.inUse]?.condition == .degraded { #expect(states[inUse]?.condition == .up) }
        let isForced = [.down, .degraded].contains(states[before.inUse]?.condition ?? .unknown)
        #expect(isForced || .seconds(second) - since >= before.hold)
        #expect(isForced || inUse == preference[0])
      }
      #expect(selection.hold >= .seconds(30) && selection.hold <= .seconds(600))
      var again = selection
      #expect(again.update(states: states, at: .seconds(second)) == inUse, "a second look changes nothing")
    }
  }

  @Test("a path that comes and goes every minute moves the link a few times only")
  func flapping() {
    var selection = PathSelection(Self.both, inUse: .wireguard)
    var moves = 0
    for second in 0..<3_600 {
      let isUp = second % 60 < 50
      let before = selection.inUse
      selection.update(
        states: [
          .wireguard: state(isUp ? .up : .down, since: second - second % 60 + (isUp ? 0 : 50)),
          .openvpnTCP: state(.up),
        ], at: .seconds(second))
      if selection.inUse != before { moves += 1 }
    }
    #expect(selection.inUse == .openvpnTCP && moves == 3, "away, back after 30 s, away for good")
  }
}
