// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Since when each link is in its state; makes an entry of the journal where that changes.
public struct LinkStates: Sendable {
  /// A state and when it began.
  public struct Known: Hashable, Sendable {
    let state: PeerStatus.State
    let since: Timestamp
  }

  private var known: [SiteName: Known]

  /// Begins with what the journal said last of each link, so that a restart of the agent changes nothing.
  public init(journal: [SiteName: (kind: JournalEntry.Kind, time: Timestamp)] = [:]) {
    known = journal.compactMapValues { last in
      PeerStatus.State(last.kind).map { Known(state: $0, since: last.time) }
    }
  }

  /// Takes in how all links are now; one that is not among them is a link no more.
  /// - Parameter isSettling: whether the agent has just started: what does not work yet may still do so.
  public mutating func update(_ peers: [PeerStatus], isSettling: Bool, at now: Timestamp) -> [JournalEntry] {
    var next: [SiteName: Known] = [:]
    var entries: [JournalEntry] = []
    for peer in peers {
      guard let site = SiteName(peer.name) else { continue }
      let (former, state) = (known[site], peer.state.lasting)
      if former?.state == state || isSettling && state != .up {
        next[site] = former
        continue
      }
      next[site] = Known(state: state, since: now)
      entries += Self.entry(site, state, after: former, peer.advice, at: now).map { [$0] } ?? []
    }
    known = next
    return entries
  }

  /// Since when a link is in this state; nil when that is not known.
  func since(_ site: SiteName, _ state: PeerStatus.State) -> Timestamp? {
    known[site].flatMap { $0.state == state.lasting ? $0.since : nil }
  }

  /// Nil for what the journal tells in other words.
  private static func entry(
    _ site: SiteName, _ state: PeerStatus.State, after former: Known?, _ advice: String?, at now: Timestamp
  ) -> JournalEntry? {
    let kind: JournalEntry.Kind
    switch state {
    case .up where former?.state != .callsRefused: kind = .linkUp
    case .degraded: kind = .linkDegraded
    case .down: kind = .linkDown
    case .trunkDown: kind = .trunkDown
    default: return nil
    }
    let past = former.map {
      " after \(Seconds.words(max(0, now - $0.since))) \($0.state.words)"
    }
    let cause = advice.map { ": \($0)" }
    return JournalEntry(
      kind, site: site, "link to '\(site)' is \(state.words)\(past ?? "")\(cause ?? "")")
  }
}

extension PeerStatus.State {
  /// The state that an entry of this kind tells of.
  fileprivate init?(_ kind: JournalEntry.Kind) {
    switch kind {
    case .linkUp, .callsTaken: self = .up
    case .linkDegraded: self = .degraded
    case .linkDown: self = .down
    case .trunkDown: self = .trunkDown
    case .callsRefused: self = .callsRefused
    default: return nil
    }
  }

  /// A link at its cap is up: calls come and go.
  fileprivate var lasting: Self { self == .full ? .up : self }

  /// For people.
  var words: String { rawValue.replacing("_", with: " ") }
}

extension JournalEntry.Kind {
  /// The kinds that tell of the state of a link.
  public static let linkStates: [Self] = [
    .linkUp, .linkDegraded, .linkDown, .trunkDown, .callsRefused, .callsTaken,
  ]

  /// The kinds that somebody wants to be told of, unless the site file says otherwise.
  public static let alarming =
    linkStates + [
      .neighborUp, .neighborDown, .siteRevoked, .siteForked, .authorityChanged, .planeFailed, .callsUnusual,
    ]
}
