// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("Kernel event messages", .enabled(if: isLittleEndian, "the expected bytes are little-endian"))
struct KernelEventTests {
  private func event(_ type: Int, _ hex: String) -> KernelEvent? {
    KernelEvent(messageType: type, payload: bytes(hex: hex)[...])
  }

  private let link =
    "00 00 feff 07000000 d1100100 00000000"  // struct ifinfomsg: ARPHRD_NONE, index 7, flags with IFF_UP
    + "0d00 0300 70627868 6c696e6b 00 000000"  // IFLA_IFNAME

  @Test("a link tells its name, whether it is up and whether it is there")
  func links() {
    #expect(event(16, link) == .link(name: "pbxhlink", present: true, isUp: true))
    #expect(event(17, link) == .link(name: "pbxhlink", present: false, isUp: true))
  }

  @Test("an address tells itself with its length")
  func addresses() throws {
    let message =
      "02 20 80 00 07000000"  // struct ifaddrmsg: AF_INET, /32, permanent, universe, index 7
      + "0800 0100 0a4d0009" + "0800 0200 0a4d0001"  // IFA_ADDRESS (the far end), IFA_LOCAL
    let address = InterfaceAddress(try #require(IPPrefix("10.77.0.1")))
    #expect(event(20, message) == .address(address, interfaceIndex: 7, present: true))
    #expect(event(21, message) == .address(address, interfaceIndex: 7, present: false))
  }

  @Test("only routes of ours count")
  func routes() throws {
    // struct rtmsg: AF_INET, /16, table main, protocol, scope link, unicast
    let header = { (owner: String) in "02 10 00 00 fe \(owner) fd 01 00000000" }
    let attributes = "0800 0100 0a4d0000"  // RTA_DST
    let prefix = try #require(IPPrefix("10.77.0.0/16"))
    #expect(event(24, header("c9") + attributes) == .route(prefix, present: true))
    #expect(event(25, header("c9") + attributes) == .route(prefix, present: false))
    #expect(event(24, header("02") + attributes) == nil)
  }

  @Test("what is cut off or unknown is no event")
  func cutOff() {
    for count in 0..<bytes(hex: link).count - 3 {
      #expect(KernelEvent(messageType: 16, payload: bytes(hex: link)[..<count]) == nil)
    }
    #expect(event(28, link) == nil)
  }

  @Test("a link of somebody else does not concern a tunnel")
  func concern() throws {
    #expect(!KernelEvent.link(name: "eth0", present: true, isUp: true).concerns(interface: "pbxlink0"))
    #expect(KernelEvent.link(name: "pbxlink0", present: false, isUp: false).concerns(interface: "pbxlink0"))
    #expect(KernelEvent.overrun.concerns(interface: "pbxlink0"))
  }
}
