// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkSystem

@Suite
struct ReadPacingTests {
  /// What is chosen after each read; moments in milliseconds.
  private func choices(_ reads: [(at: Int, count: Int)], isMore: Bool = false) -> [Bool] {
    var pacing = ReadPacing()
    return reads.map { read in
      pacing.read(read.count, isMore: isMore, at: .milliseconds(read.at))
      return pacing.isPolling
    }
  }

  @Test("who gets a datagram now and then is told of each")
  func few() {
    #expect(choices([(0, 1), (20, 1), (300, 2), (350, 0), (600, 1)]).allSatisfy { !$0 })
  }

  @Test("who gets two within 20 ms looks by itself, until a look 20 ms after the last datagram finds none")
  func many() {
    let reads = [(0, 1), (5, 1), (10, 0), (15, 3), (30, 0), (35, 0), (36, 1)]
    #expect(choices(reads) == [false, true, true, true, true, false, false])
  }

  @Test("finding nothing is no reason to look by oneself")
  func nothing() {
    #expect(choices([(0, 1), (5, 0), (10, 0), (15, 0)]).allSatisfy { !$0 })
  }

  @Test("what is left is told of at once")
  func more() {
    #expect(choices([(0, 64), (1, 64), (2, 64)], isMore: true).allSatisfy { !$0 })
  }

  @Test("the next look is 20 ms after the last one")
  func next() {
    var pacing = ReadPacing()
    #expect(pacing.next == nil)
    for moment in [0, 5, 12] { pacing.read(1, isMore: false, at: .milliseconds(moment)) }
    #expect(pacing.next == .milliseconds(32))
  }
}
