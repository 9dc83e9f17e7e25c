// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("IP addresses and prefixes")
struct IPAddressTests {
  @Test(
    "IPv6 text is canonical (RFC 5952)",
    arguments: [
      ("2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("::", "::"), ("0:0:0:0:0:0:0:1", "::1"),
      ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
      ("::ffff:192.0.2.1", "::ffff:c000:201"), ("fd00::", "fd00::"),
      ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
      ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
    ])
  func canonicalV6(text: String, canonical: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.family == .v6)
    #expect(address.description == canonical)
  }

  @Test(
    "anything but a strict address is refused",
    arguments: [
      "", "10.0.0", "10.0.0.0.1", "10.0.0.256", "010.0.0.1", "10.0.0.01", "10.0.0.1 ", "0x0a.0.0.1",
      "10.0..1",
      "+1.0.0.1", "1٣.0.0.1", ":", ":::", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
      ":1::2",
      "1::2:", "fe80::1%eth0", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "[::1]", "::１",
      "1:2:3:4:5:6:7:8::",
    ])
  func refusedAddress(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test("text and bytes give the address back", arguments: 0..<100)
  func roundTrip(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let family: IPAddress.Family = Bool.random(using: &random) ? .v4 : .v6
    // Zero groups are what the text form treats specially.
    let value = (0..<8).reduce(UInt128(0)) { value, _ in
      value << 16
        | (Bool.random(using: &random) ? 0 : UInt128(UInt16.random(in: 0...UInt16.max, using: &random)))
    }
    let address = IPAddress(family: family, value: value)
    #expect(IPAddress(address.description) == address)
    #expect(IPAddress(bytes: address.bytes) == address)
    #expect(address.bytes.count * 8 == family.bitWidth)
    let length = Int.random(in: 0...family.bitWidth, using: &random)
    let prefix = try #require(IPPrefix(address, length: length))
    #expect(IPPrefix(prefix.description) == prefix)
    #expect(prefix.contains(address))
    #expect(prefix.address.value & ~prefix.netmask.value == 0)
    if length > 0 {
      let outside = IPAddress(family: family, value: address.value ^ (1 << UInt128(prefix.hostBits)))
      #expect(!prefix.contains(outside))
      #expect(prefix.overlaps(IPPrefix(host: address)) && !prefix.overlaps(IPPrefix(host: outside)))
    }
  }

  @Test(
    "a prefix has no host bits and a plain length",
    arguments: [
      "10.77.0.1/16", "10.77.0.0/33", "10.77.0.0/016", "10.77.0.0/+16", "10.77.0.0/", "/16",
      "10.77.0.0/16/8", "fd00::/129", "fd00::1/64", "10.77.0.0/-1",
    ])
  func refusedPrefix(text: String) {
    #expect(IPPrefix(text) == nil)
  }

  @Test("a lone address is a prefix of one; families never mix")
  func hosts() throws {
    let host = try #require(IPPrefix("192.0.2.1"))
    #expect(host.description == "192.0.2.1/32" && host.netmask.description == "255.255.255.255")
    let all = try #require(IPPrefix("0.0.0.0/0"))
    #expect(all.netmask.description == "0.0.0.0")
    #expect(!all.contains(try #require(IPAddress("::1"))))
    #expect(try #require(IPAddress("255.255.255.255")) < #require(IPAddress("::")))
  }

  @Test(
    "loopback is 127.0.0.0/8 and ::1",
    arguments: [
      "127.0.0.1": true, "127.9.9.9": true, "::1": true,
      "128.0.0.1": false, "::": false, "::2": false,
    ])
  func loopback(text: String, expected: Bool) throws {
    #expect(try #require(IPAddress(text)).isLoopback == expected)
  }
}
