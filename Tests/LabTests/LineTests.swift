// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import LinkLab
import PBXLinkCore
import Testing

@Suite("A line of the lab")
struct LineTests {
  /// What comes out of a line, with the milliseconds that it took; a frame enters each 20 ms, as voice does.
  private func pass(_ count: Int, through line: Line) -> [(number: Int, milliseconds: Double)] {
    var (queue, random) = (LineQueue(line), SystemRandomNumberGenerator())
    var passed: [(Int, Double)] = []
    var (sent, moment) = (0, Duration.zero)
    while sent < count || queue.next != nil {
      if sent < count, moment == .milliseconds(20 * sent) {
        queue.enter([UInt8(sent >> 8), UInt8(sent & 255)], at: moment, using: &random)
        sent += 1
      }
      for frame in queue.leave(at: moment) {
        let number = Int(frame[0]) << 8 | Int(frame[1])
        passed.append((number, (moment - .milliseconds(20 * number)) / .milliseconds(1)))
      }
      moment += .milliseconds(1)
    }
    return passed
  }

  @Test("without a fault passes everything on at once, in order")
  func well() {
    let passed = pass(500, through: Line())
    #expect(passed.map(\.number) == Array(0..<500) && passed.allSatisfy { $0.milliseconds == 0 })
  }

  @Test("takes its time, more or less, and nothing overtakes")
  func delay() {
    let passed = pass(2000, through: Line(delay: 40, jitter: 80))
    #expect(passed.map(\.number) == Array(0..<2000))
    #expect(passed.allSatisfy { (40...121).contains($0.milliseconds) })
    let mean = passed.map(\.milliseconds).reduce(0, +) / 2000
    #expect((80...115).contains(mean), "\(mean): some wait for those before them")
  }

  @Test("loses as much as it is told")
  func loss() {
    #expect((1700...1900).contains(pass(2000, through: Line(loss: 10)).count))
    #expect(pass(100, through: Line(loss: 100)).isEmpty)
  }

  @Test("loses what is longer than it carries, and nothing else")
  func mtu() {
    let line = Line(mtu: 1300)
    #expect(
      !line.isTooLong([UInt8](repeating: 0, count: 1314))
        && line.isTooLong([UInt8](repeating: 0, count: 1315)))
    #expect(!Line().isTooLong([UInt8](repeating: 0, count: 9000)))
    #expect(pass(100, through: line).count == 100)
  }

  @Test("can be bad for one peer only")
  func peer() {
    let line = Line(loss: 5, peer: IPAddress("198.51.100.30"))
    func frame(from: [UInt8], to: [UInt8], type: [UInt8] = [8, 0]) -> [UInt8] {
      [UInt8](repeating: 0, count: 12) + type + [UInt8](repeating: 0, count: 12) + from + to
    }
    let (own, its, other): ([UInt8], [UInt8], [UInt8]) = ([1, 2, 3, 4], [198, 51, 100, 30], [1, 2, 3, 5])
    #expect(line.concerns(frame(from: own, to: its)) && line.concerns(frame(from: its, to: own)))
    #expect(!line.concerns(frame(from: own, to: other)) && !line.concerns([]))
    #expect(!line.concerns(frame(from: own, to: its, type: [0x86, 0xdd])))
    #expect(Line().concerns([]))
  }
}
