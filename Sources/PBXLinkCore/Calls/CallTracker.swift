// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Follows the channels of Asterisk's with peers and makes calls of them. Test calls are none.
public struct CallTracker: Sendable {
  /// A channel, as Asterisk tells of it.
  public struct Channel: Hashable, Sendable {
    /// Its unique id.
    public let id: String
    /// Its name, such as `IAX2/plk_lyon-1234`.
    public let name: String
    /// Its extension, and the numbers of its caller and of who is at its other end; nil when not known.
    public let extensionName, caller, connected: String?
    /// Whether it was answered.
    public let isUp: Bool
    /// How long it has been there, in seconds.
    public let age: Int64

    /// A channel.
    public init(
      id: String, name: String, extensionName: String?, caller: String?, connected: String?, isUp: Bool,
      age: Int64 = 0
    ) {
      (self.id, self.name, self.extensionName) = (id, name, extensionName)
      (self.caller, self.connected, self.isUp, self.age) = (caller, connected, isUp, age)
    }

    /// The peer that it is with; nil for any other channel, and for that of a test call.
    public var site: SiteName? {
      let isProbe = id.hasPrefix("\(TrunkNames.probe)-") || extensionName == TrunkNames.probe
      return isProbe ? nil : TrunkNames.site(ofChannel: name)
    }
  }

  /// What Asterisk tells.
  public enum Event: Hashable, Sendable {
    /// A channel was made.
    case made(Channel)
    /// A channel was sent to a number for a caller.
    case dialled(id: String, number: String?, caller: String?)
    /// Somebody has answered.
    case answered(id: String)
    /// A channel is gone, by a cause of ITU-T Q.850.
    case ended(id: String, cause: Int)
    /// The dialplan here has kept a call back: the link is at its limit.
    case limited(SiteName, number: String?, caller: String?)
  }

  /// A call that is under way.
  public struct Open: Hashable, Sendable {
    /// The other end.
    public let site: SiteName
    /// Who has placed it.
    public let direction: TrunkCall.Direction
    /// The caller's number and the one called.
    public fileprivate(set) var caller, number: String?
    /// When it began.
    public let began: Timestamp
    /// When it was answered, by a clock that nobody sets; nil before.
    fileprivate(set) var answered: Duration?
    /// Asterisk's list did not have it.
    fileprivate var isMissing = false

    /// For how long it has been talked, in seconds; nil before it was answered.
    public func seconds(at uptime: Duration) -> Int64? {
      answered.map { max(0, (uptime - $0).components.seconds) }
    }
  }

  /// The calls that are under way, by the channel's id.
  public private(set) var open: [String: Open] = [:]

  /// No call yet.
  public init() {}

  /// Takes in what Asterisk tells; what is over now comes back.
  /// - Parameter uptime: a clock that nobody sets, from any beginning.
  public mutating func take(_ event: Event, at now: Timestamp, uptime: Duration) -> TrunkCall? {
    switch event {
    case .made(let channel):
      if open[channel.id] == nil { open[channel.id] = Open(channel, at: now, uptime) }
    case .dialled(let id, let number, let caller):
      if let number { open[id]?.number = number }
      if let caller { open[id]?.caller = caller }
    case .answered(let id):
      if open[id]?.answered == nil { open[id]?.answered = uptime }
    case .ended(let id, let cause):
      guard let call = open.removeValue(forKey: id) else { return nil }
      return call.ended(by: cause, uptime)
    case .limited(let site, let number, let caller):
      return TrunkCall(site, .outgoing, from: caller, to: number, began: now, .refusedLimit)
    }
    return nil
  }

  /// Takes in all channels that there are. A call that is not among them is over: at once when nothing was heard since a
  /// moment, else when the next list is without it too, for its end may be told yet.
  public mutating func take(
    _ channels: [Channel], silentSince silence: Duration? = nil, at now: Timestamp, uptime: Duration
  ) -> [TrunkCall] {
    let present = Set(channels.map(\.id))
    var gone: [TrunkCall] = []
    for (id, call) in open where !present.contains(id) {
      if silence != nil || call.isMissing {
        open[id] = nil
        gone.append(call.ended(by: 0, silence ?? uptime))
      } else {
        open[id]?.isMissing = true
      }
    }
    for channel in channels {
      open[channel.id]?.isMissing = false
      _ = take(.made(channel), at: now, uptime: uptime)
      if channel.isUp { _ = take(.answered(id: channel.id), at: now, uptime: uptime) }
    }
    return gone
  }
}

extension CallTracker.Open {
  fileprivate init?(_ channel: CallTracker.Channel, at now: Timestamp, _ uptime: Duration) {
    guard let site = channel.site else { return nil }
    self.site = site
    // Named after the user that has called, with the generations of the keys, or after the peer that is called.
    direction = channel.name.contains(".") ? .incoming : .outgoing
    (caller, number) =
      direction == .incoming ? (channel.caller, channel.extensionName) : (channel.connected, nil)
    began = now + -channel.age
    // How long it had rung nobody can tell.
    answered = channel.isUp ? uptime - .seconds(channel.age) : nil
  }

  fileprivate func ended(by cause: Int, _ uptime: Duration) -> TrunkCall {
    TrunkCall(
      site, direction, from: caller, to: number, began: began, seconds: seconds(at: uptime) ?? 0,
      answered == nil ? TrunkCall.Outcome(cause: cause, direction) : .answered)
  }
}
