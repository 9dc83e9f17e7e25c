// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What to leave at a relay, for each site that we cannot reach otherwise.
public struct RelayVisit: Hashable, Sendable {
  /// The relay.
  public let relay: Site
  /// The notes.
  public let notes: [SiteName: RelayNote]
}

extension Agent {
  /// Whether this site passes packets on between others: the authority has given it the role, and its site file does
  /// not refuse.
  public var isRelay: Bool {
    membership?.roles.contains(.relay) == true && configuration.tunnel.paths.contains(.relay)
  }

  /// Whether a relay could stand between us and a site.
  func mayRelay(to site: Site) -> Bool {
    configuration.tunnel.paths.contains(.relay)
      && directory.relays.contains { $0 != site.name && $0 != mesh.site && directory.member($0) != nil }
  }

  /// The relay in use to a site; nil while packets to it take another way.
  public func relay(to site: Site) -> SiteName? {
    path(to: site) == .relay ? relayAgreements[site.identity]?.choice : nil
  }

  /// The sites whose packets go by a relay.
  public func relayedSites(at now: Timestamp) -> [Site] {
    relayAgreements.isEmpty ? [] : linkedSites(at: now).filter { relay(to: $0) != nil }
  }

  /// The states of all paths, from those that can be probed.
  /// - Parameters:
  ///   - probed: what the probes show: of `relay` while one is in use, else of `wireguard`.
  ///   - direct: whether the direct way works to sites behind a relay.
  public func pathStates(
    to site: Site, probed: [TunnelPath: PathState], direct: PathState?, at now: Duration
  ) -> [TunnelPath: PathState] {
    var states = probed
    guard mayRelay(to: site) else { return states }
    if relay(to: site) != nil {
      let direct = direct ?? PathState(.down, since: now)
      // What was left while it worked has not had the time yet to show that it still does.
      let isTooEarly =
        pathSelections[site.identity]?.hasLeftPoorPath == true && now - direct.since < DirectTraffic.patience
      states[.wireguard] = isTooEarly && !direct.isUp ? PathState(.unknown, since: direct.since) : direct
    } else if let agreement = relayAgreements[site.identity], agreement.choice != nil {
      states[.relay] = PathState(.up, since: agreement.chosenAt)
    } else if path(to: site) == .relay {
      states[.relay] = PathState(.down, since: now)
    }
    return states
  }

  /// The relays that we reach directly, and the microseconds to each and back.
  func reachableRelays(
    among linked: [Site], _ states: [SiteName: [TunnelPath: PathState]]
  ) -> [SiteName: Int] {
    linked.reduce(into: [:]) { relays, site in
      guard directory.relays.contains(site.name), path(to: site) == .wireguard,
        let state = states[site.name]?[.wireguard], state.isUp
      else { return }
      relays[site.name] = state.roundTrip.map { Int($0 / .microseconds(1)) } ?? RelayNote.longestRoundTrip
    }
  }

  /// The relays that could stand between us and a site. One that we reach poorly ourselves is no better than a poor
  /// direct way, but than none.
  private func relays(for site: Site, includingPoor: Bool) -> [SiteName: Int] {
    reachableRelays.filter { $0.key != site.name && (includingPoor || !poorRelays.contains($0.key)) }
  }

  /// Goes on agreeing with a site on a relay while no other path works, or forgets what was agreed.
  mutating func agree(
    with site: Site, _ states: [TunnelPath: PathState], at now: Duration
  ) {
    let better = paths(to: site).prefix { $0 != .relay }
    let isRelayed = path(to: site) == .relay
    let isWanted =
      isRelayed || better.allSatisfy { [.down, .degraded].contains(states[$0]?.condition ?? .unknown) }
    guard mayRelay(to: site), isWanted else {
      relayAgreements[site.identity] = nil
      return
    }
    var agreement =
      relayAgreements[site.identity] ?? RelayAgreement(isLeader: mesh.site < site.name, at: now)
    agreement.takesPoorRelays = isRelayed || states[.wireguard]?.isUp != true
    agreement.update(
      reachable: relays(for: site, includingPoor: agreement.takesPoorRelays),
      isWorking: relay(to: site) == nil ? nil : states[.relay]?.isUp ?? false, at: now)
    relayAgreements[site.identity] = agreement
  }

  /// The notes to leave now, at each relay that we reach.
  public func relayVisits(monotonic moment: Duration, at now: Timestamp) -> [RelayVisit] {
    guard !relayAgreements.isEmpty, !reachableRelays.isEmpty else { return [] }
    let linked = linkedSites(at: now)
    let notes = linked.reduce(into: [SiteName: RelayNote]()) { notes, site in
      guard let agreement = relayAgreements[site.identity] else { return }
      notes[site.name] = agreement.note(
        reachable: relays(for: site, includingPoor: agreement.takesPoorRelays), at: moment)
    }
    return linked.filter { reachableRelays.keys.contains($0.name) }.map { relay in
      RelayVisit(relay: relay, notes: notes.filter { $0.key != relay.name })
    }
  }

  /// The sites that we look for a relay to, or reach by one, and which.
  public var relayChoices: [PublicKey: SiteName?] { relayAgreements.mapValues(\.choice) }

  /// How soon notes are to be renewed: at once while the two ends find out that they need a relay, each second until one is
  /// found, or half a minute has gone by without one: in a large mesh there are always some that are off.
  public func relayVisitInterval(
    _ states: [SiteName: [TunnelPath: PathState]], monotonic moment: Duration, at now: Timestamp
  ) -> Duration {
    let unsettled = linkedSites(at: now).compactMap { site -> Duration? in
      guard let agreement = relayAgreements[site.identity],
        relay(to: site) == nil || states[site.name]?[.relay]?.isUp != true
      else { return nil }
      return moment - agreement.chosenAt
    }
    return RelayAgreement.visitInterval(sinceChange: unsettled.min())
  }

  /// Keeps the notes of a site and gives it what others have left for it. Throws unless we are a relay.
  public mutating func exchange(
    notes: [SiteName: RelayNote], from site: SiteName, monotonic moment: Duration
  ) throws -> [SiteName: AgedRelayNote] {
    guard isRelay else { throw AgentError.notARelay(mesh.site) }
    return relayNotes.exchange(notes, from: site, at: moment)
  }

  /// Takes in what others have left for us at a relay.
  mutating func receive(relayNotes notes: [SiteName: AgedRelayNote], at moment: Duration, _ now: Timestamp) {
    for (name, note) in notes {
      guard let identity = linkedSite(name, at: now)?.identity else { continue }
      relayAgreements[identity]?.receive(note, at: moment)
    }
  }

  /// Whether we would go by a relay with a site now, if it went too.
  public func wouldTake(_ relay: SiteName, to name: SiteName, at now: Timestamp) -> Bool {
    guard let site = linkedSite(name, at: now), path(to: site) != .relay,
      let agreement = relayAgreements[site.identity]
    else { return false }
    return relays(for: site, includingPoor: agreement.takesPoorRelays)[relay] != nil
  }

  /// Both ends leave a poor way for a relay.
  mutating func take(
    relay: SiteName, to name: SiteName, at moment: Duration, _ now: Timestamp
  ) -> [Effect] {
    guard wouldTake(relay, to: name, at: now), let site = linkedSite(name, at: now) else { return [] }
    let why = Self.poorWay(path(to: site))
    relayAgreements[site.identity]?.follow(relay, at: moment)
    pathSelections[site.identity]?.leavePoorPath(for: .relay, at: moment)
    return moved(site, why)
  }

  static func poorWay(_ path: TunnelPath) -> String { "calls by \(path.rawValue) would sound poor" }

  /// Both ends go direct again.
  mutating func leaveRelay(to name: SiteName, at moment: Duration, _ now: Timestamp) -> [Effect] {
    guard let site = linkedSite(name, at: now), path(to: site) == .relay,
      paths(to: site).contains(.wireguard)
    else { return [] }
    pathSelections[site.identity]?.take(.wireguard, at: moment)
    relayAgreements[site.identity] = nil
    return moved(site, "it works and is preferred")
  }

  /// The sites whose packets go by a relay, by that relay. One that is a relay no more carries nothing.
  func carried(_ linked: [Site]) -> [SiteName: [Site]] {
    let relays = Set(linked.map(\.name)).intersection(directory.relays)
    return linked.reduce(into: [:]) { carried, site in
      if let relay = relay(to: site), relays.contains(relay) { carried[relay, default: []].append(site) }
    }
  }
}
