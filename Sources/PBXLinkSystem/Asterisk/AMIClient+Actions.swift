// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

extension AMIClient {
  /// The IAX2 peers that Asterisk has in use (`IAXpeerlist`, the same from 16 to 22; `IAXpeers` lacks the
  /// ActionID and joins two names in one field).
  public func iaxPeers() async throws -> [LiveTrunkPeer] {
    try await list("IAXpeerlist").map { peer in
      LiveTrunkPeer(
        name: peer["ObjectName"] ?? "", userName: peer["ObjectUsername"] ?? "",
        address: peer["IPaddress"] ?? "",
        port: peer["Port"] ?? "", isEncrypted: peer["Encryption"]?.contains("aes128") ?? false,
        status: peer["Status"] ?? "")
    }
  }

  /// One line for each IAX2 call with round-trip time, jitter and loss (`IAXnetstats`).
  public func iaxCallStatistics() async throws -> [String] { try await lines("IAXnetstats") }

  /// The state of Asterisk's core, `CoreCurrentCalls` among it.
  public func coreStatus() async throws -> AMIMessage { try await request("CoreStatus") }

  /// All channels.
  public func channels() async throws -> [CallTracker.Channel] {
    try await list("CoreShowChannels").compactMap(\.channel)
  }

  /// Ends every channel whose name matches a POSIX extended regular expression; returns their names.
  public func hangUp(matching pattern: String) async throws -> [String] {
    let escaped = pattern.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "\\/")
    return try await list("Hangup", [("Channel", "/\(escaped)/"), ("Cause", "21")]).compactMap {
      $0["Channel"]
    }
  }

  /// Places an authenticated call to a site's probe extension, which no call detail record tells of, and waits for its
  /// answer. Needs a connection with the event class `call`.
  public func probe(_ site: SiteName) async throws -> TestCall.Outcome {
    let answer = try await exchange(
      "Originate",
      [
        ("Channel", "IAX2/\(TrunkNames.peer(site))/\(TrunkNames.probe)"), ("Application", "Wait"),
        ("Data", "1"), ("Variable", "CDR_PROP(disable)=1"), ("Timeout", "4000"), ("Async", "true"),
        ("ChannelId", "\(TrunkNames.probe)-\(UInt32.random(in: 0...UInt32.max))"),
      ], until: { $0.event == "OriginateResponse" })
    return TestCall.Outcome(originateReason: answer.last?["Reason"])
  }
}
