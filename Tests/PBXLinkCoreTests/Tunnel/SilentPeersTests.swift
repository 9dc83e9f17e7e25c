// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Silent peers")
struct SilentPeersTests {
  private let lyon: SiteName

  init() throws { lyon = try #require(SiteName("lyon")) }

  @Test("a peer is silent once its count of received bytes has stood still for two seconds")
  func patience() throws {
    var silence = SilentPeers()
    let endpoint = try #require(Endpoint("198.51.100.7:51820").flatMap(ResolvedEndpoint.init))
    let peer = ObservedTunnel.Peer(endpoint: endpoint, receivedBytes: 7)
    #expect(silence.update([lyon: peer], at: .seconds(0)).isEmpty)
    #expect(silence.update([lyon: peer], at: .milliseconds(1999)).isEmpty)
    #expect(silence.update([lyon: peer], at: .seconds(2)) == [lyon])
    var heard = peer
    heard.receivedBytes += 32
    #expect(silence.update([lyon: heard], at: .seconds(3)).isEmpty)
    #expect(silence.update([:], at: .seconds(9)).isEmpty)
    #expect(silence.update([lyon: heard], at: .seconds(10)).isEmpty, "it was not lost in between")
  }

  @Test("a peer without an endpoint is silent at once")
  func noEndpoint() {
    var silence = SilentPeers()
    #expect(silence.update([lyon: ObservedTunnel.Peer()], at: .zero) == [lyon])
  }
}
