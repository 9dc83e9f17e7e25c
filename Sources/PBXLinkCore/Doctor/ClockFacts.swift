// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The time of day, as far as it can be judged.
public struct ClockFacts: Sendable {
  /// The highest time that this site has seen; nil before the first.
  public var highestTime: Look<Timestamp?>
  /// Whether the clock follows a time server.
  public var isSynchronized: Look<Bool>

  /// Facts about the clock.
  public init(highestTime: Look<Timestamp?>, isSynchronized: Look<Bool>) {
    self.highestTime = highestTime
    self.isSynchronized = isSynchronized
  }

  /// Seconds behind the highest time from which on the agent refuses to bring a tunnel up.
  public static let tolerance: Int64 = 60

  func findings(at now: Timestamp) -> [Finding] { [order(now), synchronization] }

  private func order(_ now: Timestamp) -> Finding {
    let id = "clock-order"
    switch highestTime {
    case .unseen(let unseen): return Finding(.clock, id, unseen)
    case .seen(let highest?) where now + Self.tolerance < highest:
      return Finding(
        .clock, id, .error,
        "it says \(now), but \(highest) was seen before: handshakes stamped in the future lock tunnels out",
        remedy: "Set the clock right ('timedatectl set-ntp true'); the links stay as they are until then.")
    case .seen: return Finding(.clock, id, .ok, "\(now), not behind any time seen before")
    }
  }

  private var synchronization: Finding {
    let id = "clock-synchronized"
    switch isSynchronized {
    case .unseen(let unseen): return Finding(.clock, id, unseen)
    case .seen(true): return Finding(.clock, id, .ok, "it follows a time server")
    case .seen(false):
      return Finding(
        .clock, id, .warning, "it does not follow a time server",
        remedy: "Run 'timedatectl set-ntp true', or install systemd-timesyncd or chrony.")
    }
  }
}
