// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import Testing

@testable import PBXLinkCore

@Suite("Endpoints and site names")
struct EndpointTests {
  @Test(
    "an endpoint reads back as written",
    arguments: [
      "203.0.113.5:51820", "[2001:db8::5]:1", "pbx.example.com:65535", "localhost:51820", "a-1.b:9",
    ])
  func roundTrip(text: String) throws {
    let endpoint = try #require(Endpoint(text))
    #expect(endpoint.description == text)
    let json = try JSONEncoder().encode([endpoint])
    #expect(try JSONDecoder().decode([Endpoint].self, from: json) == [endpoint])
  }

  @Test("host names are lower-cased, addresses made canonical")
  func canonical() {
    #expect(Endpoint("PBX.Example.com:51820")?.description == "pbx.example.com:51820")
    #expect(Endpoint("[2001:DB8:0::5]:51820")?.description == "[2001:db8::5]:51820")
  }

  @Test(
    "anything ambiguous is refused",
    arguments: [
      "", ":", "host", "host:", ":51820", "host:0", "host:65536", "host:051820", "host:+80", "host:8a",
      "2001:db8::5:51820", "[203.0.113.5]:51820", "[::1]", "[]:1", "203.0.113.256:1", "10.1:1", "a..b:1",
      "-a:1",
      "a-:1", "a_b:1", "host.:1", "https://host:1", "a b:1", "\u{212A}ey.example:1", "bücher.example:1",
    ])
  func refused(text: String) {
    #expect(Endpoint(text) == nil)
  }

  @Test("a host name has at most 63 characters in a label and 253 in all")
  func lengths() {
    let label = String(repeating: "a", count: 63)
    #expect(Endpoint("\(label).example:1") != nil)
    #expect(Endpoint("\(label)a.example:1") == nil)
    let name = Array(repeating: String(repeating: "a", count: 49), count: 5).joined(separator: ".")
    #expect(Endpoint("\(name).abc:1") != nil)
    #expect(Endpoint("\(name).abcd:1") == nil)
  }

  @Test("a site name is a lower-case DNS label", arguments: ["berlin", "a", "7", "hq-2", "xn--mnchen-3ya"])
  func siteName(text: String) {
    #expect(SiteName(text)?.description == text)
  }

  @Test(
    "a site name has nothing else in it",
    arguments: [
      "", "-a", "a-", "Berlin", "a.b", "a_b", "a b", "münchen", "a\n", String(repeating: "a", count: 64),
    ])
  func refusedSiteName(text: String) {
    #expect(SiteName(text) == nil)
    let json = try? JSONEncoder().encode([text])
    #expect(throws: DecodingError.self) { try JSONDecoder().decode([SiteName].self, from: json ?? Data()) }
  }
}
