// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("A BFD session")
struct BFDSessionTests {
  private static let timing = BFDSession.Timing(
    transmit: .milliseconds(300), receive: .milliseconds(100), multiplier: 5)

  private func packet(
    _ state: BFDPacket.State, yours: UInt32 = 1, transmit: Duration = .milliseconds(300),
    receive: Duration = .milliseconds(100), multiplier: UInt8 = 5, isFinal: Bool = false
  ) -> BFDPacket {
    var packet = BFDPacket(
      state: state, detectMultiplier: multiplier, myDiscriminator: 2, yourDiscriminator: yours,
      desiredMinTransmit: transmit, requiredMinReceive: receive)
    packet.isFinal = isFinal
    return packet
  }

  private func session(_ state: BFDPacket.State, _ timing: BFDSession.Timing = Self.timing) -> BFDSession {
    var session = BFDSession(timing, discriminator: 1)
    switch state {
    case .down: break
    case .adminDown: session.shutDown()
    case .initializing: session.receive(packet(.down), at: .zero)
    case .up: session.receive(packet(.initializing), at: .zero)
    }
    return session
  }

  @Test("changes its state as RFC 5880 §6.8.6 says")
  func table() {
    let table: [(from: BFDPacket.State, received: BFDPacket.State, to: BFDPacket.State)] = [
      (.down, .adminDown, .down), (.down, .down, .initializing), (.down, .initializing, .up),
      (.down, .up, .down), (.initializing, .adminDown, .down), (.initializing, .down, .initializing),
      (.initializing, .initializing, .up), (.initializing, .up, .up), (.up, .adminDown, .down),
      (.up, .down, .down), (.up, .initializing, .up), (.up, .up, .up), (.adminDown, .down, .adminDown),
      (.adminDown, .initializing, .adminDown), (.adminDown, .up, .adminDown),
    ]
    for row in table {
      var session = session(row.from)
      #expect(session.state == row.from)
      let isTaken = session.receive(packet(row.received), at: .seconds(1))
      #expect(isTaken)
      #expect(session.state == row.to, "\(row)")
      if row.from == .up, row.to == .down { #expect(session.packet.diagnostic == .neighborSignaledDown) }
      if row.to == .up { #expect(session.packet.diagnostic == .none) }
    }
  }

  @Test("a packet to another session changes nothing")
  func strangers() {
    var up = session(.up)
    let before = up
    let isTaken = up.receive(packet(.down, yours: 7), at: .seconds(1))
    #expect(!isTaken && up == before)
    up.receive(packet(.down, yours: 0), at: .seconds(1))
    #expect(up.state == .down)
  }

  @Test("silence for the other end's multiplier of packets, and it is down and forgets whom it spoke with")
  func silence() {
    for state in [BFDPacket.State.initializing, .up] {
      var session = session(state)
      #expect(session.packet.yourDiscriminator == 2)
      session.receive(packet(.initializing, multiplier: 3), at: .seconds(10))
      #expect(session.deadline == .milliseconds(10_900))
      session.expire(at: .milliseconds(10_800))
      #expect(session.state == .up)
      session.expire(at: .milliseconds(10_900))
      #expect(session.state == .down && session.packet.diagnostic == .detectionTimeExpired)
      #expect(
        session.packet.yourDiscriminator == 0 && session.deadline == nil && session.detectionTime == nil)
    }
  }

  @Test("each end sends as often as it likes and the other bears, and waits as long as the other needs")
  func intervals() {
    func times(ours: (Int, Int), theirs: (Int, Int, UInt8)) -> [Duration?] {
      let timing = BFDSession.Timing(
        transmit: .milliseconds(ours.0), receive: .milliseconds(ours.1), multiplier: 2)
      var session = BFDSession(timing, discriminator: 1)
      session.receive(
        packet(
          .initializing, transmit: .milliseconds(theirs.0), receive: .milliseconds(theirs.1),
          multiplier: theirs.2), at: .zero)
      return [session.transmitInterval, session.detectionTime]
    }
    #expect(times(ours: (100, 100), theirs: (300, 100, 5)) == [.milliseconds(100), .milliseconds(1500)])
    #expect(times(ours: (100, 400), theirs: (300, 250, 3)) == [.milliseconds(250), .milliseconds(1200)])
    #expect(times(ours: (100, 100), theirs: (300, 0, 5)).first == .some(nil), "it wants none")
  }

  @Test("where our packets are answered at once, our own pace counts too")
  func answered() {
    var session = session(.up, FailureDetection.fast.timing)
    #expect(session.detectionTime == .milliseconds(1500))
    session.receive(packet(.up), answeringEach: .seconds(1), at: .zero)
    #expect(session.detectionTime == .milliseconds(1500), "an answer to what was sent before")
    session.receive(packet(.up), answeringEach: .milliseconds(100), at: .zero)
    #expect(session.detectionTime == .milliseconds(500))
  }

  @Test("until it is up it sends once a second and says so, then polls until the other end has answered")
  func slowStart() {
    var session = session(.down)
    #expect(session.transmitInterval == .seconds(1) && session.packet.desiredMinTransmit == .seconds(1))
    session.receive(packet(.initializing), at: .zero)
    #expect(session.transmitInterval == .milliseconds(300))
    #expect(session.packet.isPoll && session.packet.desiredMinTransmit == .milliseconds(300))
    session.receive(packet(.up), at: .zero)
    #expect(session.packet.isPoll)
    session.receive(packet(.up, isFinal: true), at: .zero)
    #expect(!session.packet.isPoll)
  }

  @Test("a poll is answered at once, and no packet both polls and answers")
  func finals() {
    var poll = packet(.up)
    poll.isPoll = true
    let up = session(.up)
    #expect(up.packet.isPoll)
    #expect(up.answer(to: poll).isFinal && !up.answer(to: poll).isPoll)
    #expect(!up.answer(to: packet(.up)).isFinal)
  }

  @Test(
    "a change while it is up holds once the other end knows of it, as far as it slows down or hurries the other"
  )
  func changes() {
    var session = session(.up)
    session.receive(packet(.up, isFinal: true), at: .zero)
    session.set(FailureDetection.slow.timing)
    #expect(session.packet.isPoll && session.packet.desiredMinTransmit == .seconds(1))
    #expect(session.transmitInterval == .milliseconds(300), "the other end still counts on it")
    #expect(session.detectionTime == .seconds(5), "it may have been told already")
    session.receive(packet(.up, isFinal: true), at: .zero)
    #expect(session.transmitInterval == .seconds(1))
    session.set(FailureDetection.fast.timing)
    #expect(session.transmitInterval == .milliseconds(100) && session.detectionTime == .seconds(5))
    session.receive(packet(.up, isFinal: true), at: .zero)
    #expect(session.detectionTime == .milliseconds(1500))
  }

  /// Table of mean times between false alarms: interval x (1 - p^k) / (p^k (1 - p)) for k losses in a row.
  @Test(
    "random loss takes it down as seldom as the numbers say",
    arguments: [(0.05, 3), (0.2, 3), (0.2, 5), (0.3, 4)])
  func falseAlarms(loss: Double, multiplier: UInt8) {
    var random = SplitMix64(seed: 5)
    let interval = Duration.milliseconds(100)
    let timing = BFDSession.Timing(transmit: interval, receive: interval, multiplier: multiplier)
    var (session, alarms, time) = (session(.up, timing), 0, Duration.zero)
    for _ in 0..<2_000_000 {
      time += interval
      if Double.random(in: 0..<1, using: &random) >= loss {
        session.receive(packet(.up, transmit: interval, multiplier: multiplier), at: time)
      }
      session.expire(at: time)
      guard session.state == .down else { continue }
      alarms += 1
      session.receive(packet(.initializing, transmit: interval, multiplier: multiplier), at: time)
    }
    var power = 1.0
    for _ in 0..<multiplier { power *= loss }
    let expected = 2_000_000 * power * (1 - loss) / (1 - power)
    #expect(abs(Double(alarms) / expected - 1) < 0.15, "\(alarms), expected \(expected)")
  }
}
