// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("The search for a path's MTU")
struct PathMTUSearchTests {
  /// A path that drops what is larger than it carries, and some of the rest, in virtual time.
  private struct Path {
    var search: PathMTUSearch
    var carries: Int
    var loss = 0.0
    var isCut = false
    var now = Duration.zero
    var sent: [(at: Duration, size: Int)] = []
    private var lastAnswer: Duration?
    private var sequence: UInt32 = 0
    private var random = SplitMix64(seed: 3)

    init(carries: Int, largest: Int = 1420) {
      self.carries = carries
      search = PathMTUSearch(largest: largest, at: .zero)
    }

    mutating func pass(_ time: Duration) {
      let end = now + time
      while now < end {
        now += .milliseconds(100)
        // Short probes go along.
        if !isCut, !isLost() { lastAnswer = now }
        guard let size = search.next(sequence, lastAnswer: lastAnswer, loss: loss, at: now) else { continue }
        sent.append((now, size))
        if !isCut, size <= carries, !isLost() { search.receive(sequence, at: now + .milliseconds(50)) }
        sequence += 1
      }
    }

    private mutating func isLost() -> Bool { Double.random(in: 0..<1, using: &random) < loss }
  }

  @Test("finds any size to eight octets below it, within two minutes; a path without a limit at once")
  func search() {
    for carries in stride(from: 150, through: 1419, by: 23) + [1279, 1280, 1281, 1412, 1413] {
      var path = Path(carries: carries)
      path.pass(.seconds(120))
      let found = path.search.mtu ?? 0
      #expect((carries - 7...carries).contains(found), "\(carries): \(found)")
    }
    var path = Path(carries: 1500)
    path.pass(.seconds(50))
    #expect(path.search.mtu == 1420 && path.sent.map(\.size) == [1420])
  }

  @Test("asks once a minute whether the size still gets through, and finds a black hole that has come")
  func blackHole() {
    var path = Path(carries: 1500)
    path.pass(.seconds(600))
    #expect((10...11).contains(path.sent.count) && path.sent.allSatisfy { $0.size == 1420 })
    path.carries = 1300
    path.pass(.seconds(120))
    #expect(path.search.mtu.map { (1293...1300).contains($0) } == true)
  }

  @Test("tries larger ones again after ten minutes")
  func raise() {
    var path = Path(carries: 1300)
    path.pass(.seconds(120))
    path.carries = 1500
    path.pass(.seconds(400))
    #expect(path.search.mtu.map { $0 <= 1300 } == true)
    path.pass(.seconds(200))
    #expect(path.search.mtu == 1420)
  }

  @Test("a line that is cut or loses a fifth of all packets each way says nothing of sizes")
  func losses() {
    var path = Path(carries: 1500)
    path.pass(.seconds(30))
    path.isCut = true
    path.pass(.seconds(600))
    #expect(path.search.mtu == 1420)
    path.isCut = false
    path.loss = 0.36
    path.pass(.seconds(86_400))
    #expect(path.search.mtu == 1420 && PathMTUSearch.attempts(loss: 0.36) == 10)
    var limited = Path(carries: 1350)
    limited.loss = 0.36
    limited.pass(.seconds(300))
    #expect(limited.search.mtu.map { (1343...1350).contains($0) } == true, "\(limited.search.mtu ?? 0)")
  }

  @Test("what was known is kept while it is looked for again, as far as the interface carries it")
  func restart() {
    var path = Path(carries: 1500)
    path.pass(.seconds(10))
    path.search = PathMTUSearch(largest: 1380, former: path.search.mtu, at: path.now)
    #expect(path.search.mtu == 1380)
    path.carries = 1320
    path.pass(.seconds(100))
    #expect(path.search.mtu.map { (1313...1320).contains($0) } == true)
  }

  @Test("an answer to an older probe counts for nothing")
  func stale() {
    var search = PathMTUSearch(largest: 1420, at: .zero)
    #expect(search.next(7, lastAnswer: nil, loss: 0, at: .zero) == 1420)
    search.receive(6, at: .milliseconds(10))
    #expect(search.mtu == nil)
    search.receive(7, at: .milliseconds(20))
    #expect(search.mtu == 1420)
  }
}
