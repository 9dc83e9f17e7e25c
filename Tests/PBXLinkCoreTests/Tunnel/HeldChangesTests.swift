// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Changes that calls would hear")
struct HeldChangesTests {
  private struct Step: DisruptiveChange {
    let description: String
    var expectedGap = ExpectedGap.free
    var needed: String?
    func needs(_ other: Step) -> Bool { other.description == needed }
  }

  private let start = Timestamp(seconds: 1_800_000_000)
  private let steps = [
    Step(description: "harmless"), Step(description: "audible", expectedGap: .packets(6)),
    Step(description: "the end", expectedGap: .endOfLink), Step(description: "afterwards", needed: "audible"),
  ]

  @Test(
    "what costs nothing and what ends a link run at once; the rest, and what needs it, waits for the calls")
  func calls() {
    var changes = HeldChanges()
    let busy = changes.select(steps, at: start) { _ in 1 }
    #expect(busy.due.map(\.description) == ["harmless", "the end"])
    #expect(busy.held.map(\.description) == ["audible", "afterwards"])
    let idle = changes.select(busy.held, at: start + 1) { _ in 0 }
    #expect(idle.due.map(\.description) == ["audible", "afterwards"] && idle.held.isEmpty)
  }

  @Test("a call that never ends holds a change until the deadline, which counts from when it was first held")
  func deadline() {
    var changes = HeldChanges()
    for second in stride(from: Int64(0), to: HeldChanges.deadline, by: 10) {
      #expect(changes.select(steps, at: start + second) { _ in 1 }.held.count == 2)
    }
    #expect(changes.select(steps, at: start + HeldChanges.deadline) { _ in 1 }.held.isEmpty)
    #expect(changes.select(steps, at: start + HeldChanges.deadline) { _ in 1 }.held.count == 2, "begins anew")
  }

  @Test("a change that was no longer wanted in between begins to wait anew")
  func forgotten() {
    var changes = HeldChanges()
    _ = changes.select(steps, at: start) { _ in 1 }
    _ = changes.select([Step](), at: start + 10) { _ in 1 }
    #expect(changes.select(steps, at: start + HeldChanges.deadline) { _ in 1 }.held.count == 2)
  }

  @Test("a clock that goes back does not make a change wait longer")
  func clock() {
    var changes = HeldChanges()
    _ = changes.select(steps, at: start) { _ in 1 }
    #expect(changes.select(steps, at: start + -3600) { _ in 1 }.held.isEmpty)
  }

  @Test("a call is heard by the peer whose addresses move, and the old key stays until they have moved")
  func rotation() throws {
    let old = try #require(PublicKey(bytes: Array(repeating: 1, count: 32)))
    let new = try #require(PublicKey(bytes: Array(repeating: 2, count: 32)))
    let prefix = try #require(IPPrefix("10.77.0.2/32"))
    let takeover = TunnelChange.addPeer(
      TunnelPeer(publicKey: new, allowedIPs: [prefix]), takingOverFrom: [old])
    let removal = TunnelChange.removePeer(old, replaced: true)
    var changes = HeldChanges()
    let busy = changes.select([takeover, removal], at: start) { $0.disruptedPeers.contains(new) ? 1 : 0 }
    #expect(busy.held == [takeover, removal])
    #expect(
      changes.select([TunnelChange.removePeer(old, replaced: false)], at: start) { _ in 1 }.held.isEmpty)
  }
}

@Suite("OpenVPN changes that calls would hear")
struct HeldOpenVPNChangesTests {
  private func link(_ number: Int, _ role: OpenVPNLink.Role) throws -> OpenVPNLink {
    OpenVPNLink(
      interface: "pbxlink-\(number)", site: try #require(SiteName("site-\(number)")), role: role,
      peerFingerprint: try #require(CertificateFingerprint(bytes: Array(repeating: 1, count: 32))),
      controlKey: Secret(Array(repeating: 2, count: 256)), peerAddresses: [], isInUse: true)
  }

  @Test("a restart waits for its own link's calls, a change of the shared port for those of all that call us")
  func links() throws {
    let called = try link(1, .listen(port: 10_001))
    let calling = try link(2, .connect(to: [#require(Endpoint("192.0.2.1:443"))], proxy: nil))
    let restart = OpenVPNChange.restartProcess("pbxlink-2", isInUse: true)
    #expect(restart.disrupts(calling) && !restart.disrupts(called))
    #expect(OpenVPNChange.stopSharedPort(replaced: true).disrupts(called))
    #expect(!OpenVPNChange.stopSharedPort(replaced: true).disrupts(calling))
  }

  @Test("what follows an interface that is to be replaced waits with it, other links go on")
  func order() {
    var held = HeldChanges()
    let plan: [OpenVPNChange] = [
      .removeLink("pbxlink-1", replaced: true), .createLink("pbxlink-1"), .startProcess("pbxlink-1"),
      .startProcess("pbxlink-2"),
    ]
    let now = Timestamp(seconds: 1_800_000_000)
    let busy = held.select(plan, at: now) { $0.interface == "pbxlink-1" ? 1 : 0 }
    #expect(busy.due == [.startProcess("pbxlink-2")])
    #expect(held.select(plan, at: now) { _ in 0 }.due == plan)
  }
}
