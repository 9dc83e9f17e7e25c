// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// How two sites that cannot reach each other agree on the relay between them: both must send by the same one, since
/// each takes the other's packets from one peer of its tunnel only.
///
/// They tell each other by notes which relays they reach and how far away these are. The site whose name comes first
/// chooses the relay with the shortest way, the other one follows. Neither needs a clock that is right.
struct RelayAgreement: Sendable {
  /// How long a relay may carry nothing before another one is tried.
  static let patience = Duration.seconds(10)
  /// How long one that carried nothing is left out.
  static let pause = Duration.seconds(60)
  /// How long the two ends try to leave a way that still works at the same moment, before each goes by itself.
  static let askingTime = Duration.seconds(6)
  /// Between two questions whether the peer goes too, direct or by the relay.
  static let askingInterval = Duration.seconds(5)

  /// Between two notes after the beginning or a change without a relay that works; nil: there is one.
  static func visitInterval(sinceChange time: Duration?) -> Duration {
    guard let time, time < .seconds(30) else { return .seconds(5) }
    return time < .seconds(3) ? .milliseconds(200) : .seconds(1)
  }

  /// Whether it is ours to choose.
  let isLeader: Bool
  /// Whether a relay that we reach poorly will do.
  var takesPoorRelays = true
  /// The relay to send by; nil while there is none that both can use.
  private(set) var choice: SiteName?
  /// Since when it is this one, or none.
  private(set) var chosenAt: Duration
  private var worked: Duration
  private var failed: [SiteName: Duration] = [:]
  private var peer: (note: RelayNote, at: Duration)?
  private var asked: Duration?

  /// Nothing agreed yet. `choice` is what the tunnel shows after a restart.
  init(isLeader: Bool, choice: SiteName? = nil, at now: Duration) {
    self.isLeader = isLeader
    self.choice = choice
    chosenAt = now
    worked = now
  }

  /// The peer's note has come, by whichever relay; an older one than that known says nothing.
  mutating func receive(_ note: AgedRelayNote, at now: Duration) {
    let left = now - min(max(.zero, .seconds(note.age)), RelayNotes.lifetime * 2)
    guard peer.map({ left >= $0.at }) ?? true else { return }
    var note = note.note
    note.relays = note.relays.filter { (0...RelayNote.longestRoundTrip).contains($0.value) }
    peer = (note, left)
  }

  /// Chooses, or follows the peer's choice.
  /// - Parameters:
  ///   - reachable: the relays that we reach, with the round trip in microseconds.
  ///   - isWorking: whether packets go both ways by the relay chosen; nil while it is not in use.
  mutating func update(reachable: [SiteName: Int], isWorking: Bool?, at now: Duration) {
    let before = choice
    defer { if choice != before { (worked, chosenAt) = (now, now) } }
    if isWorking != false { worked = now }
    if let choice, now - worked >= Self.patience { failed[choice] = now }
    let usable = usable(reachable, at: now)
    if let choice, usable[choice] == nil { self.choice = nil }
    guard let peer, now - peer.at <= RelayNotes.lifetime else {
      // The agents over there may be silent while the kernel of the relay goes on.
      if isWorking != true { choice = nil }
      return
    }
    guard isLeader else {
      let theirs = peer.note.choice.flatMap { usable[$0] == nil ? nil : $0 }
      if theirs != nil || isWorking != true { choice = theirs }
      return
    }
    let costs = usable.reduce(into: [SiteName: Int]()) { costs, relay in
      if let theirs = peer.note.relays[relay.key] { costs[relay.key] = relay.value + theirs }
    }
    let best = costs.min { ($0.value, $0.key) < ($1.value, $1.key) }
    // A change costs calls a moment, so it must be worth it.
    if let choice, let cost = costs[choice], let best, cost <= 2 * best.value + Self.margin { return }
    choice = best?.key
  }

  /// Microseconds by which a relay may be worse than the best and be kept.
  private static let margin = 20_000

  private func usable(_ reachable: [SiteName: Int], at now: Duration) -> [SiteName: Int] {
    reachable.filter { relay in failed[relay.key].map { now - $0 >= Self.pause } ?? true }
  }

  /// Goes by the relay that both ends have just agreed on.
  mutating func follow(_ relay: SiteName, at now: Duration) {
    if choice != relay { chosenAt = now }
    (choice, worked) = (relay, now)
  }

  /// What to tell the peer.
  func note(reachable: [SiteName: Int], at now: Duration) -> RelayNote {
    RelayNote(relays: usable(reachable, at: now), choice: isLeader ? choice : nil)
  }

  /// Whether the peer was asked so lately that it may have gone, and its answer been lost with the way that it has left.
  func hasAsked(at now: Duration) -> Bool { asked.map { now - $0 < Self.askingTime } ?? false }

  /// Whether to ask the peer now whether it goes too.
  mutating func mayAsk(at now: Duration) -> Bool {
    if let asked, now - asked < Self.askingInterval { return false }
    asked = now
    return true
  }
}
