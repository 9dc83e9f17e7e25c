// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A call that was answered and is still up.
public struct ActiveCall: Sendable {
  /// The office whose phone placed it.
  public let office: Office
  /// The number it went to.
  public let number: String
  /// The number of the phone.
  public let caller: String
  /// From placing the call to its answer.
  public let answeredAfter: Duration
  /// The phone's own channel.
  public let phone: Channel
  /// The channel that carries the call on: the trunk's, or the dialplan's for a call within the office.
  public let leg: Channel
  /// The channel that executes the dialplan; its CDR is the call's.
  let dialplan: Channel

  /// Hangs up and waits until the office has no channel of the call left.
  public func hangUp() async throws {
    _ = try await office.asterisk("channel request hangup \(phone.name)")
    try await wait(for: "the call to \(number) to end", upTo: .seconds(10)) {
      try await office.channels().contains { $0.account == phone.account } ? nil : ()
    }
  }
}

/// How a call ended that is no longer up, or never was.
public struct CallEnd: Codable, Hashable, Sendable, CustomStringConvertible {
  /// The number that was called.
  public let number: String
  /// Q.850 cause, such as 17 for busy; 0 when Asterisk has none.
  public let cause: Int
  /// Dial's DIALSTATUS; empty when the dialplan ended the call before it dialled.
  public let dialStatus: String

  /// The end in words.
  public var description: String {
    "ended with cause \(cause) (\(Self.causes[cause] ?? "see Q.850")), DIALSTATUS '\(dialStatus)'"
  }

  private static let causes = [
    0: "none given", 1: "unallocated number", 3: "no route to destination", 16: "normal clearing",
    17: "busy", 18: "no user responding", 19: "no answer", 20: "subscriber absent", 21: "rejected",
    25: "exchange routing error", 27: "destination out of order", 28: "invalid number",
    34: "no circuit available", 38: "network out of order", 42: "congestion", 50: "not subscribed",
    58: "bearer not available",
  ]
}

/// What came of placing a call.
public enum CallAttempt: Sendable {
  case answered(ActiveCall)
  case ended(CallEnd)
}
