// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A call over the trunk with a site that is over.
public struct TrunkCall: Hashable, Sendable {
  /// Which end has placed it.
  public enum Direction: String, Hashable, Sendable, Codable, CaseIterable {
    /// The other site.
    case incoming = "in"
    /// This one.
    case outgoing = "out"
  }

  /// What became of it.
  public enum Outcome: String, Hashable, Sendable, Codable, CaseIterable {
    /// Somebody has answered.
    case answered
    /// The far end was busy.
    case busy
    /// It rang in vain, or the caller has given up.
    case unanswered
    /// Nobody has this number.
    case unknownNumber = "unknown_number"
    /// The link was at its limit of calls, at either end.
    case refusedLimit = "refused_limit"
    /// The far end did not take our account, key or address. Of calls that Asterisk here has not let in for that, it tells
    /// nobody but its log: only the end that calls knows.
    case refusedAuthentication = "refused_authentication"
    /// It was not allowed: a loop, an emergency number.
    case refused
    /// Anything else.
    case failed

    /// The outcome of a call that nobody has answered, by the cause of its end (ITU-T Q.850 2.2.7), as Asterisk sends it.
    public init(cause: Int, _ direction: Direction) {
      self =
        switch cause {
        case 17: .busy
        case 0, 16, 18, 19: .unanswered
        case 1, 3, 28: .unknownNumber
        case 21, 25: .refused
        // From plk-admit of the far end, or ours.
        case 34: .refusedLimit
        // AST_CAUSE_FACILITY_NOT_SUBSCRIBED: chan_iax2 rejects by it whom it does not know.
        case 50 where direction == .outgoing: .refusedAuthentication
        default: .failed
        }
    }
  }

  /// The other end.
  public let site: SiteName
  /// Who has placed it.
  public let direction: Direction
  /// The caller's number and the one called, as far as they are known.
  public let caller, number: String?
  /// When it began.
  public let began: Timestamp
  /// How long it was talked, in seconds.
  public let seconds: Int64
  /// What became of it.
  public let outcome: Outcome

  /// A call.
  public init(
    _ site: SiteName, _ direction: Direction, from caller: String?, to number: String?, began: Timestamp,
    seconds: Int64 = 0, _ outcome: Outcome
  ) {
    (self.site, self.direction, self.caller, self.number) = (site, direction, caller, number)
    (self.began, self.seconds, self.outcome) = (began, seconds, outcome)
  }
}

extension TrunkCall: Codable {
  enum CodingKeys: String, CodingKey { case site, direction, caller, number, began, seconds, outcome }

  /// Decodes what ``encode(to:)`` has written.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try container.decode(SiteName.self, forKey: .site),
      try container.decode(Direction.self, forKey: .direction),
      from: try container.decodeIfPresent(String.self, forKey: .caller),
      to: try container.decodeIfPresent(String.self, forKey: .number),
      began: try container.decode(RFC3339.self, forKey: .began).moment,
      seconds: try container.decode(Int64.self, forKey: .seconds),
      try container.decode(Outcome.self, forKey: .outcome))
  }

  /// Encodes all keys.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(site, forKey: .site)
    try container.encode(direction, forKey: .direction)
    try container.encode(caller, forKey: .caller)
    try container.encode(number, forKey: .number)
    try container.encode(RFC3339(began), forKey: .began)
    try container.encode(seconds, forKey: .seconds)
    try container.encode(outcome, forKey: .outcome)
  }
}
