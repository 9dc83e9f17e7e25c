// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("The direct way beside a relay")
struct DirectTrafficTests {
  @Test("works while bytes come in at least every thirteen seconds, and while its keys are valid")
  func counts() throws {
    let site = try #require(SiteName("lyon"))
    var traffic = DirectTraffic()
    func state(_ bytes: UInt64?, at second: Int) -> PathState? {
      traffic.update(received: [site: bytes], at: .seconds(second))[site]
    }
    #expect(state(100, at: 0) == PathState(.down, since: .zero), "bytes of the past prove nothing")
    #expect(state(100, at: 1) == PathState(.down, since: .zero))
    #expect(state(132, at: 5) == PathState(.up, since: .seconds(5)))
    #expect(state(132, at: 10) == PathState(.up, since: .seconds(5)))
    #expect(state(164, at: 15) == PathState(.up, since: .seconds(5)))
    #expect(state(164, at: 28) == PathState(.down, since: .seconds(28)))
    #expect(state(196, at: 29) == PathState(.up, since: .seconds(29)))
    #expect(state(nil, at: 30) == PathState(.down, since: .seconds(30)))
    #expect(state(196, at: 31) == PathState(.down, since: .seconds(30)))
    #expect(traffic.update(received: [:], at: .seconds(32)).isEmpty)
  }
}
