// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Where other sites see a site's tunnel: hints, tried as candidates and believed in nothing else, since only the
/// holder of the site's key can answer there.
struct SeenEndpoints: Hashable, Sendable {
  /// By the identity of the site that says so.
  var endpoints: [PublicKey: ResolvedEndpoint] = [:]
  /// When one of them last changed.
  var changedAt: Timestamp

  /// Each once, in an order that all have the same way.
  var candidates: [ResolvedEndpoint] {
    Array(Set(endpoints.values)).sorted { $0.description < $1.description }
  }
}

/// Since when nothing has come from a site, and where it was last.
struct Silence: Hashable, Sendable {
  let endpoint: ResolvedEndpoint?
  let since: Timestamp
}

extension Agent {
  /// Seconds for which one of several endpoints is tried before the next one: longer than a handshake's
  /// retransmission (REKEY_TIMEOUT, 5 s) and shorter than an admin's patience.
  static let candidateInterval: Int64 = 15
  /// Seconds of a silence in which the site is looked for in haste.
  static let searchTime: Int64 = 120

  /// The number of the turn so many seconds after the first one began. They become longer with time: who comes back
  /// after hours calls us, or another site tells where it sees it, and with that the turns begin anew.
  static func turn(after elapsed: Int64) -> Int {
    let haste = 4 * searchTime
    return Int(min(elapsed, haste) / candidateInterval + max(0, elapsed - haste) / (20 * candidateInterval))
  }

  /// The silent sites that are looked for in haste, and all of them.
  public func silentSites(at now: Timestamp) -> (sought: Set<SiteName>, all: Set<SiteName>) {
    (Set(silent.filter { now - $0.value.since < Self.searchTime }.keys), Set(silent.keys))
  }

  /// The address to try now; the plane uses it only while the peer has no working one. Sites that announce one
  /// key take turns, whatever number of endpoints each lists. What another site sees is tried first, and from the
  /// moment that it says so.
  func candidate(of sites: [Site], at now: Timestamp) -> ResolvedEndpoint? {
    let candidates = sites.map(candidates).filter { !$0.isEmpty }
    guard !candidates.isEmpty else { return nil }
    // The turns begin anew when there is something new to try.
    let beginnings = sites.flatMap { site -> [Timestamp] in
      guard let silence = silent[site.name] else { return [] }
      return [silence.since, namesChangedAt] + [seenEndpoints[site.identity]?.changedAt].compactMap(\.self)
    }
    // Without probes that would tell of a silence, by the clock.
    let turn =
      beginnings.max().map { Self.turn(after: max(0, now - $0)) } ?? Int(now.seconds / Self.candidateInterval)
    let own = candidates[turn % candidates.count]
    return own[(turn / candidates.count) % own.count]
  }

  /// Every third round of the endpoints, for a site that has changed its key while we could not hear of it. The
  /// rounds begin with the silence: by the clock a new site's first round would be the wrong one in three.
  func triesNextKey(of sites: [Site], at now: Timestamp) -> Bool {
    // Who cannot be called calls us, with whichever key it has.
    guard let round = sites.map({ candidates(of: $0).count }).max(), round > 0,
      let since = sites.compactMap({ silent[$0.name]?.since }).max()
    else { return false }
    return (Self.turn(after: max(0, now - since)) / round) % 3 == 2
  }

  private func candidates(of site: Site) -> [ResolvedEndpoint] {
    let seen = seenEndpoints[site.identity]?.candidates ?? []
    let announced = (site.descriptor?.wireguard.endpoints ?? []).flatMap(resolved)
    let all = seen + announced.filter { !seen.contains($0) }
    // Where it fell silent it may be again, but not first of all.
    guard let left = silent[site.name]?.endpoint, all.contains(left) else { return all }
    return all.filter { $0 != left } + [left]
  }

  private func resolved(_ endpoint: Endpoint) -> [ResolvedEndpoint] {
    switch endpoint.host {
    case .address(let address): [ResolvedEndpoint(address, port: endpoint.port)]
    case .name(let name): (resolvedNames[name] ?? []).map { ResolvedEndpoint($0, port: endpoint.port) }
    }
  }

  /// The addresses at which the other sites' tunnels may be reached.
  public func endpointAddresses(at now: Timestamp) -> Set<IPAddress> {
    Set(linkedSites(at: now).flatMap(candidates).map(\.address))
  }

  /// The DNS names of some sites' endpoints, or of all.
  public func endpointNames(of names: Set<SiteName>? = nil, at now: Timestamp) -> Set<String> {
    let sites = linkedSites(at: now).filter { names?.contains($0.name) ?? true }
    let endpoints = sites.flatMap { $0.descriptor?.wireguard.endpoints ?? [] }
    return Set(endpoints.compactMap { if case .name(let name) = $0.host { name } else { nil } })
  }

  /// Another site says where it sees some.
  mutating func note(
    seen: [SiteName: ResolvedEndpoint], by reporter: SiteName, at now: Timestamp
  ) -> [Effect] {
    let linked = Dictionary(uniqueKeysWithValues: linkedSites(at: now).map { ($0.name, $0.identity) })
    guard let reporter = linked[reporter] else { return [] }
    var isNew = false
    for (name, endpoint) in seen {
      guard let site = linked[name], site != reporter, endpoint.port > 0,
        seenEndpoints[site]?.endpoints[reporter] != endpoint
      else { continue }
      seenEndpoints[site, default: SeenEndpoints(changedAt: now)].endpoints[reporter] = endpoint
      seenEndpoints[site]?.changedAt = now
      isNew = true
    }
    let known = Set(linked.values)
    seenEndpoints = seenEndpoints.filter { known.contains($0.key) }
    return isNew ? [.reconcile] : []
  }
}
