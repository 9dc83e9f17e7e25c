// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension AMIMessage {
  /// What this event tells of a call with a peer; nil for any other one.
  var callEvent: CallTracker.Event? {
    switch event {
    case "Newchannel": channel.map { .made($0) }
    case "Newstate" where self["ChannelState"] == Self.up: self["Uniqueid"].map { .answered(id: $0) }
    case "DialBegin":
      // plk_lyon/301
      self["DestUniqueid"].map {
        .dialled(
          id: $0, number: self["DialString"]?.split(separator: "/").last.map(String.init),
          caller: known("CallerIDNum"))
      }
    case "Hangup":
      self["Uniqueid"].map { .ended(id: $0, cause: self["Cause"].flatMap { Int($0) } ?? 0) }
    case "UserEvent" where self["UserEvent"] == "PbxlinkLimit" && self["Direction"] == "out":
      // A call from there that is kept back has a channel, which tells of it.
      self["Peer"].flatMap(SiteName.init).map {
        .limited($0, number: self["Number"], caller: known("CallerIDNum"))
      }
    default: nil
    }
  }

  /// AST_STATE_UP of channelstate.h.
  private static let up = "6"

  /// The channel of a `Newchannel` or `CoreShowChannel` event.
  var channel: CallTracker.Channel? {
    guard let id = self["Uniqueid"], let name = self["Channel"] else { return nil }
    return CallTracker.Channel(
      id: id, name: name, extensionName: known("Exten"), caller: known("CallerIDNum"),
      connected: known("ConnectedLineNum"), isUp: self["ChannelState"] == Self.up, age: age)
  }

  /// Numbers longer than this are cut: who calls may send any.
  private static let longestNumber = 40

  private func known(_ name: String) -> String? {
    guard let value = self[name], !value.isEmpty, value != "<unknown>", value != "s" else { return nil }
    return String(value.prefix(Self.longestNumber))
  }

  /// Of "01:02:03".
  private var age: Int64 {
    let parts = self["Duration"]?.split(separator: ":").map { Int64($0) ?? 0 } ?? []
    return parts.reduce(0) { $0 * 60 + $1 }
  }
}
