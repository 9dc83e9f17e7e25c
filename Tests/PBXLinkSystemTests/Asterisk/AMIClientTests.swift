// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("Manager interface")
struct AMIClientTests {
  static let secret = Secret(repeatElement(0x5a, count: 16))
  static let welcome = "Response: Success\r\nActionID: $ID\r\nMessage: Authentication accepted\r\n\r\n"

  private func manager(
    _ answers: [String: [String]], banner: String = "Asterisk Call Manager/5.0.4\r\n"
  ) throws -> ScriptedManager {
    try ScriptedManager(banner: banner) { action, _ in
      answers[action] ?? (action == "Login" ? [Self.welcome] : [])
    }
  }

  private func run<Value: Sendable>(
    _ manager: ScriptedManager, timeout: Duration = .seconds(20),
    _ body: (AMIClient) async throws -> Value
  ) async throws -> Value {
    try await AMIClient.withConnection(port: manager.port, secret: Self.secret, timeout: timeout, body)
  }

  @Test("the peer list of 16 and 22 is read, cut anywhere")
  func peers() async throws {
    let text = """
      Response: Success\r\nActionID: $ID\r\nEventList: start\r\nMessage: IAX Peer status list will follow\r\n\r\n\
      Event: PeerEntry\r\nActionID: $ID\r\nChanneltype: IAX\r\nObjectName: plk_b\r\nObjectUsername: plk_a.k1_1\r\n\
      ChanObjectType: peer\r\nIPaddress: 10.77.0.2\r\nMask: 255.255.255.255\r\nPort: 4569\r\nDynamic: no\r\n\
      Trunk: no\r\nEncryption: (aes128,keyrotate)\r\nStatus: OK (3 ms)\r\n\r\n\
      Event: PeerEntry\r\nActionID: $ID\r\nChanneltype: IAX\r\nObjectName: other\r\nChanObjectType: peer\r\n\
      IPaddress: (null)\r\nMask: 0.0.0.0\r\nPort: 0\r\nDynamic: yes\r\nTrunk: no\r\nEncryption: no\r\n\
      Status: Unmonitored\r\n\r\n\
      Event: PeerlistComplete\r\nActionID: $ID\r\nEventList: Complete\r\nListItems: 2\r\n\r\n
      """
    let cut = text.index(text.startIndex, offsetBy: 200)
    let manager = try manager(["IAXpeerlist": [String(text[..<cut]), String(text[cut...])]])
    let peers = try await run(manager) { try await $0.iaxPeers() }
    #expect(
      peers == [
        LiveTrunkPeer(
          name: "plk_b", userName: "plk_a.k1_1", address: "10.77.0.2", port: "4569", isEncrypted: true,
          status: "OK (3 ms)"),
        LiveTrunkPeer(
          name: "other", userName: "", address: "(null)", port: "0", isEncrypted: false, status: "Unmonitored"
        ),
      ])
  }

  @Test("bare lines end at an empty line, with calls and without")
  func bareLines() async throws {
    let line = "IAX2/plk_b-8667 3 2 42 0 0 0 0 1 0 41 0 0 0 0 1 Tx:NEW Rx:ACK"
    let one = try await run(try manager(["IAXnetstats": ["\(line)\r\n\r\n"]])) {
      try await $0.iaxCallStatistics()
    }
    #expect(one == [line])
    let none = try await run(try manager(["IAXnetstats": ["\r\n"]])) { try await $0.iaxCallStatistics() }
    #expect(none == [])
  }

  @Test("events between the parts of an answer do not disturb it and reach the reader")
  func events() async throws {
    let event = "Event: PeerStatus\r\nPrivilege: system,all\r\nChannelType: IAX2\r\nPeer: IAX2/plk_b\r\n"
    let manager = try manager([
      "CoreStatus": [
        event + "PeerStatus: Unreachable\r\n\r\n",
        "Response: Success\r\nActionID: $ID\r\nCoreCurrentCalls: 7\r\n\r\n",
      ]
    ])
    let (calls, status) = try await run(manager) { client in
      let calls = try await client.coreStatus()["corecurrentcalls"]
      var events = client.events.makeAsyncIterator()
      return (calls, await events.next()?["PeerStatus"])
    }
    #expect(calls == "7")
    #expect(status == "Unreachable")
  }

  @Test("a site's channels are hung up by one pattern and named")
  func hangUp() async throws {
    let manager = try ScriptedManager { action, headers in
      guard action == "Hangup" else { return [Self.welcome] }
      let isPattern = headers["Channel"] == "/^IAX2\\/plk_b(\\.k[0-9]+_[0-9]+)?-[0-9]+$/"
      return [
        "Response: \(isPattern ? "Success" : "Error")\r\nActionID: $ID\r\nEventList: start\r\n\r\n",
        "Event: ChannelHungup\r\nActionID: $ID\r\nChannel: IAX2/plk_b.k1_1-141\r\n\r\n",
        "Event: ChannelsHungupListComplete\r\nActionID: $ID\r\nEventList: Complete\r\nListItems: 1\r\n\r\n",
      ]
    }
    let site = try #require(SiteName("b"))
    let channels = try await run(manager) { try await $0.hangUp(matching: TrunkNames.channelPattern(site)) }
    #expect(channels == ["IAX2/plk_b.k1_1-141"])
  }

  @Test(
    "a test call tells by the reason how it ended",
    arguments: [("4", .answered), ("0", .refused), ("3", .unanswered), ("8", .unreachable)]
      as [(String, TestCall.Outcome)])
  func probe(reason: String, outcome: TestCall.Outcome) async throws {
    let manager = try manager([
      "Originate": [
        "Response: Success\r\nActionID: $ID\r\nMessage: Originate successfully queued\r\n\r\n",
        "Event: OriginateResponse\r\nPrivilege: call,all\r\nActionID: $ID\r\nResponse: Failure\r\n"
          + "Channel: IAX2/plk_b/plkprobe\r\nReason: \(reason)\r\n\r\n",
      ]
    ])
    let site = try #require(SiteName("b"))
    #expect(try await run(manager) { try await $0.probe(site) } == outcome)
  }

  @Test("a refusal names the action and Asterisk's reason")
  func refusal() async throws {
    let denied = "Response: Error\r\nActionID: $ID\r\nMessage: Permission denied\r\n\r\n"
    await #expect(throws: AMIError.refused(action: "Command", message: "Permission denied")) {
      try await run(try manager(["Command": [denied]])) { try await $0.request("Command") }
    }
    let failed = "Response: Error\r\nActionID: $ID\r\nMessage: Authentication failed\r\n\r\n"
    let error = await #expect(throws: AMIError.self) {
      try await run(try manager(["Login": [failed]])) { _ in }
    }
    #expect(error == .refused(action: "Login", message: "Authentication failed"))
    #expect(error?.description.contains("5a5a") == false)
  }

  @Test("no answer in time, a closed connection, a stranger and nobody are told apart")
  func failures() async throws {
    await #expect(throws: AMIError.timeout(action: "CoreStatus")) {
      try await run(try manager([:]), timeout: .milliseconds(200)) { try await $0.coreStatus() }
    }
    await #expect(throws: AMIError.closed(action: "CoreStatus")) {
      try await run(try manager(["CoreStatus": [""]])) { try await $0.coreStatus() }
    }
    let stranger = try manager([:], banner: "SSH-2.0-OpenSSH_9.2\r\n")
    await #expect(throws: AMIError.notAsterisk(port: stranger.port, banner: "SSH-2.0-OpenSSH_9.2")) {
      try await run(stranger) { _ in }
    }
    let error = await #expect(throws: AMIError.self) {
      // Port 1 of loopback: nobody listens there.
      try await AMIClient.withConnection(port: 1, secret: Self.secret) { _ in }
    }
    #expect(error?.description.contains("127.0.0.1:1 does not answer") == true)
  }

  @Test("a line break in a header is refused before anything is sent")
  func injection() async throws {
    await #expect(throws: AMIError.header("Channel")) {
      try await run(try manager([:])) { try await $0.request("Hangup", [("Channel", "x\r\nAction: Logoff")]) }
    }
  }
}
