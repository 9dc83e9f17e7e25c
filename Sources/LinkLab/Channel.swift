// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore

/// One channel of an Asterisk, from `core show channels concise`.
public struct Channel: Codable, Hashable, Sendable {
  /// Such as `IAX2/plk_lyon-1234`.
  public let name: String
  /// Where in the dialplan it is.
  public let context: String
  /// The number it is at in the dialplan.
  public let number: String
  /// `Up` once answered.
  public let state: String
  /// The application that runs, such as `Dial`.
  public let application: String
  /// The caller's number.
  public let callerNumber: String
  /// The account, inherited by what a channel dials.
  public let account: String
  /// The bridge it is in; empty when in none.
  public let bridge: String
  /// Asterisk's unique id: the same id later is the same channel.
  public let uniqueID: String

  /// `IAX2`, `Local`, …
  public var technology: String { String(name.prefix { $0 != "/" }) }

  /// The number at the end of an IAX2 channel's name, which is its own call number.
  var callNumber: Int? { name.split(separator: "-").last.flatMap { Int($0) } }

  /// Fields in the order of Asterisk's CONCISE_FORMAT_STRING (main/cli.c), 16 to 22.
  init?(concise line: Substring) {
    let fields = line.split(separator: "!", omittingEmptySubsequences: false).map(String.init)
    guard fields.count >= 14 else { return nil }
    name = fields[0]
    context = fields[1]
    number = fields[2]
    state = fields[4]
    application = fields[5]
    // The data of an application may hold the separator, so the rest is counted from the end.
    let tail = Array(fields.suffix(7))
    callerNumber = tail[0]
    account = tail[1]
    bridge = tail[5]
    uniqueID = tail[6]
  }
}

/// One call of chan_iax2, from `iax2 show channels`.
struct IAXCall: Hashable {
  let peer: IPAddress
  /// The call number here, and at the other end.
  let local: Int
  let remote: Int

  /// Columns: channel, peer, username, ID (local/remote), …
  init?(line: Substring) {
    let fields = line.split(separator: " ")
    guard fields.count > 4, fields[0].hasPrefix("IAX2/"), let peer = IPAddress(String(fields[1])) else {
      return nil
    }
    // The user name may be empty, so the numbers are found by their form.
    guard let pair = fields[2...3].first(where: { $0.wholeMatch(of: /[0-9]{5}\/[0-9]{5}/) != nil }) else {
      return nil
    }
    self.peer = peer
    local = Int(pair.prefix(5)) ?? 0
    remote = Int(pair.suffix(5)) ?? 0
  }
}

extension Office {
  /// The channels of the office's Asterisk now.
  public func channels() async throws -> [Channel] {
    try await asterisk("core show channels concise").split(separator: "\n").compactMap {
      Channel(concise: $0)
    }
  }

  func iaxCalls() async throws -> [IAXCall] {
    try await asterisk("iax2 show channels").split(separator: "\n").compactMap { IAXCall(line: $0) }
  }

  /// Hangs up every call of the office and waits until none is left.
  public func hangUpAll() async throws {
    _ = try await asterisk("channel request hangup all")
    try await wait(for: "all channels of \(name) to end", upTo: .seconds(10)) {
      try await channels().isEmpty ? () : nil
    }
  }
}
