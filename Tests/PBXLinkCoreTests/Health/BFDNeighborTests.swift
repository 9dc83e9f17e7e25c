// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("BFD with a neighbor")
struct BFDNeighborTests {
  private static let fast = FailureDetection.fast.timing
  private static let normal = FailureDetection.normal.timing

  /// Two ends in virtual time, a millisecond apart.
  private struct Pair {
    var ends: [BFDNeighborSession]
    var now = Duration.zero
    /// When each end sent.
    var sent: [[Duration]] = [[], []]
    var isCut = false
    /// An end that gets no processor.
    var sleeper: Int?
    private var random = SplitMix64(seed: 7)
    private var underway: [(at: Duration, to: Int, packet: BFDPacket)] = []

    init(_ one: BFDSession.Timing, _ two: BFDSession.Timing) {
      ends = [
        BFDNeighborSession(one, discriminator: 1, at: .zero),
        BFDNeighborSession(two, discriminator: 2, at: .zero),
      ]
    }

    var states: [BFDPacket.State] { ends.map(\.session.state) }

    mutating func pass(_ time: Duration) {
      let end = now + time
      while now < end {
        now += .milliseconds(1)
        let arrived = underway.filter { $0.at <= now && $0.to != sleeper }
        underway.removeAll { $0.at <= now && $0.to != sleeper }
        for packet in arrived {
          if let answer = ends[packet.to].receive(packet.packet, at: now) { send(answer, from: packet.to) }
        }
        for index in ends.indices where index != sleeper && ends[index].due <= now {
          let jitter = Double.random(in: 0...1, using: &random)
          if let packet = ends[index].tick(at: now, jitter: jitter) {
            sent[index].append(now)
            send(packet, from: index)
          }
        }
      }
    }

    private mutating func send(_ packet: BFDPacket, from index: Int) {
      if !isCut { underway.append((now + .milliseconds(1), 1 - index, packet)) }
    }
  }

  @Test("comes up in two seconds, and sends as slowly as the slower end wants it, a quarter faster at most")
  func up() {
    var pair = Pair(Self.fast, .init(transmit: .milliseconds(50), receive: .milliseconds(400), multiplier: 3))
    pair.pass(.seconds(2))
    #expect(pair.states == [.up, .up])
    #expect(pair.ends[0].session.transmitInterval == .milliseconds(400), "no more often than it receives")
    #expect(pair.ends[1].session.transmitInterval == .milliseconds(100))
    #expect(pair.ends[0].session.detectionTime == .milliseconds(300))
    pair.sent = [[], []]
    pair.pass(.seconds(40))
    let gaps = zip(pair.sent[0], pair.sent[0].dropFirst()).map { $1 - $0 }
    #expect(gaps.allSatisfy { (.milliseconds(300)...Duration.milliseconds(401)).contains($0) })
    #expect(Set(gaps).count > 20, "by chance")
    #expect(pair.states == [.up, .up])
  }

  @Test("a cut is noticed at both ends after the detection time, and mended without help")
  func cut() {
    var pair = Pair(Self.fast, Self.normal)
    pair.pass(.seconds(3))
    #expect(pair.states == [.up, .up])
    pair.isCut = true
    pair.pass(.milliseconds(1502))
    #expect(pair.states == [.down, .down])
    let silence = pair.now - pair.ends[0].since
    #expect(silence <= .milliseconds(500), "its packets were due each 300 ms")
    pair.isCut = false
    pair.pass(.seconds(3))
    #expect(pair.states == [.up, .up])
  }

  @Test("whoever gets no processor for seconds calls nobody down when it wakes")
  func late() {
    // The other one waits for it.
    var pair = Pair(
      .init(transmit: .milliseconds(100), receive: .milliseconds(100), multiplier: 255), Self.fast)
    pair.pass(.seconds(3))
    pair.sleeper = 0
    pair.pass(.seconds(5))
    let since = pair.ends[0].since
    pair.sleeper = nil
    pair.pass(.seconds(3))
    #expect(pair.states == [.up, .up] && pair.ends[0].since == since)
  }

  @Test("a neighbor that wants no packets gets none, and others as soon as it wants them")
  func none() {
    var end = BFDNeighborSession(Self.fast, discriminator: 1, at: .zero)
    #expect(end.tick(at: .zero, jitter: 0)?.state == .down)
    var packet = BFDPacket(
      state: .initializing, detectMultiplier: 3, myDiscriminator: 2, yourDiscriminator: 1,
      desiredMinTransmit: .milliseconds(100), requiredMinReceive: .zero)
    #expect(end.receive(packet, at: .milliseconds(10)) == nil)
    for second in 1...2 {
      _ = end.receive(packet, at: .seconds(second))
      #expect(end.tick(at: .seconds(second), jitter: 0) == nil)
    }
    packet.requiredMinReceive = .milliseconds(100)
    _ = end.receive(packet, at: .milliseconds(2100))
    #expect(end.due == .milliseconds(2200))
  }

  @Test("a poll is answered at once, and nothing else is")
  func poll() throws {
    var end = BFDNeighborSession(Self.fast, discriminator: 1, at: .zero)
    var packet = BFDPacket(
      state: .down, detectMultiplier: 3, myDiscriminator: 2, yourDiscriminator: 0,
      desiredMinTransmit: .seconds(1), requiredMinReceive: .milliseconds(100))
    #expect(end.receive(packet, at: .milliseconds(10)) == nil)
    packet.isPoll = true
    let final = end.receive(packet, at: .milliseconds(20))
    let answer = try #require(final)
    #expect(answer.isFinal && !answer.isPoll && answer.yourDiscriminator == 2)
    packet.yourDiscriminator = 9
    #expect(end.receive(packet, at: .milliseconds(30)) == nil, "of another session")
  }

  @Test("over a single hop only the full TTL counts, from further away any")
  func timeToLive() {
    #expect(BFDNeighbor.Distance.singleHop.accepts(ttl: 255) && BFDNeighbor.Distance.singleHop.port == 3784)
    #expect(!BFDNeighbor.Distance.singleHop.accepts(ttl: 254))
    #expect(BFDNeighbor.Distance.multihop.accepts(ttl: 1) && BFDNeighbor.Distance.multihop.port == 4784)
  }

  @Test("the last packet says that we stop on purpose")
  func last() {
    var end = BFDNeighborSession(Self.fast, discriminator: 1, at: .zero)
    let packet = end.lastPacket()
    #expect(packet.state == .adminDown && packet.diagnostic == .administrativelyDown)
  }
}
