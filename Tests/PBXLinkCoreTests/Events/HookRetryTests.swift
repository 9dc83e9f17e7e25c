// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("What a hook does not take")
struct HookRetryTests {
  @Test("is tried ten times within a quarter of an hour, less and less often")
  func delays() {
    let delays = (1...HookRetry.attempts).map(HookRetry.delay(afterAttempt:))
    #expect(delays.last == .some(nil))
    let known = delays.compactMap(\.self)
    #expect(known.count == 9 && known.first == .seconds(1) && known == known.sorted())
    #expect(known.allSatisfy { $0 <= .seconds(300) })
    #expect((.seconds(500)...(.seconds(900))).contains(known.reduce(.zero, +)))
    #expect(HookRetry.delay(afterAttempt: 1000) == nil)
  }
}
