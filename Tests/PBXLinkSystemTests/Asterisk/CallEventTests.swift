// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("What Asterisk tells of calls")
struct CallEventTests {
  private func message(_ text: String) -> AMIMessage? {
    guard case .message(let message) = AMIFrame(lines: text.split(separator: "\n").map(String.init)) else {
      return nil
    }
    return message
  }

  @Test("a call out is made, dialled for a caller, answered and ended, as Asterisk 22 has told of one")
  func outgoing() {
    let texts = [
      """
      Event: Newchannel
      Channel: IAX2/plk_lyon-14284
      ChannelState: 0
      CallerIDNum: <unknown>
      ConnectedLineNum: <unknown>
      Exten: s
      Uniqueid: 1796057725.10
      """,
      """
      Event: Newstate
      Channel: IAX2/plk_lyon-14284
      ChannelState: 5
      Uniqueid: 1796057725.10
      """,
      """
      Event: DialBegin
      Channel: Local/301@phones-2;2
      CallerIDNum: 201
      Uniqueid: 1796057725.9
      DestChannel: IAX2/plk_lyon-14284
      DestUniqueid: 1796057725.10
      DialString: plk_lyon/301
      """,
      """
      Event: Newstate
      Channel: IAX2/plk_lyon-14284
      ChannelState: 6
      Uniqueid: 1796057725.10
      """,
      """
      Event: Hangup
      Channel: IAX2/plk_lyon-14284
      Uniqueid: 1796057725.10
      Cause: 16
      """,
    ]
    let id = "1796057725.10"
    let channel = CallTracker.Channel(
      id: id, name: "IAX2/plk_lyon-14284", extensionName: nil, caller: nil, connected: nil, isUp: false)
    #expect(
      texts.compactMap { message($0)?.callEvent } == [
        .made(channel), .dialled(id: id, number: "301", caller: "201"), .answered(id: id),
        .ended(id: id, cause: 16),
      ])
  }

  @Test("a channel of a list has its age, its numbers and whether it is up; a long number is cut")
  func listed() {
    let number = String(repeating: "9", count: 500)
    let text = """
      Event: CoreShowChannel
      Channel: IAX2/plk_lyon.k1_1-9311
      ChannelState: 6
      CallerIDNum: \(number)
      ConnectedLineNum: <unknown>
      Exten: 201
      Uniqueid: 5
      Duration: 01:02:03
      """
    #expect(
      message(text)?.channel
        == CallTracker.Channel(
          id: "5", name: "IAX2/plk_lyon.k1_1-9311", extensionName: "201", caller: String(number.prefix(40)),
          connected: nil, isUp: true, age: 3723))
    #expect(message(text)?.callEvent == nil)
  }

  @Test("of what our dialplan says only the limit for calls out is a call: one that comes has a channel")
  func limits() {
    func limit(_ direction: String, _ peer: String = "lyon") -> CallTracker.Event? {
      message(
        """
        Event: UserEvent
        Channel: SIP/201-1
        CallerIDNum: 201
        UserEvent: PbxlinkLimit
        Peer: \(peer)
        Direction: \(direction)
        Cap: 4
        Number: 301
        """)?.callEvent
    }
    #expect(limit("out") == SiteName("lyon").map { .limited($0, number: "301", caller: "201") })
    #expect(limit("in") == nil && limit("out", "not a site") == nil)
  }

  @Test(
    "what is cut short or strange tells of nothing and traps nowhere",
    arguments: [
      "Event: Newchannel", "Event: Newchannel\nChannel: IAX2/plk_lyon-1", "Event: Hangup", "Event: DialBegin",
      "Event: Newstate\nChannelState: 6", "Event: UserEvent\nUserEvent: PbxlinkLimit\nDirection: out",
      "Response: Success", "Event: Registry\nUniqueid: 1",
    ])
  func strange(text: String) {
    #expect(message(text)?.callEvent == nil)
  }

  @Test("a cause that is no number is none, and so is a duration")
  func numbers() {
    #expect(
      message("Event: Hangup\nUniqueid: 1\nCause: many")?.callEvent == .ended(id: "1", cause: 0))
    let channel = message("Event: Newchannel\nUniqueid: 1\nChannel: a\nDuration: x:y")?.channel
    #expect(channel?.age == 0)
  }
}
