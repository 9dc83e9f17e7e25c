// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

// A change crosses the mesh in few rounds and about once for each site: who has it first sends it to all it can
// reach and shares out those it cannot. Each of them gets the documents from one site and hashes from a few more, in
// case that one cannot reach it either. The comparisons of every minute make up for the rest.
extension Agent {
  /// How many sites try to reach one that the sender could not. Which ones is a hash of both names, so that the
  /// load is spread and nobody has to agree on it. As many hubs as this serve sites that have a link to one of them.
  static let forwarders: UInt64 = 16

  /// Who is to be sent a push, those first who are known to answer.
  /// - Parameter reachable: the sites whose links work now, as far as is known.
  public func deliveries(
    of push: Push, reachable: Set<SiteName>, at now: Timestamp
  ) -> [Delivery] {
    switch push.audience {
    case .everyone:
      let sites = linkedSites(at: now).filter { $0.name != push.except }
      let (near, far) = (
        sites.filter { reachable.contains($0.name) }, sites.filter { !reachable.contains($0.name) }
      )
      let errands = Self.errands(to: near, for: far.map(\.name))
      // What is out of reach may have come back a moment ago, so it is tried too.
      return near.map { Delivery(site: $0, isOffer: false, errand: errands[$0.name] ?? Errand()) }
        + far.map { Delivery(site: $0, isOffer: false, errand: Errand()) }
    case .errand(let errand):
      let isOffer = Dictionary(
        errand.push.map { ($0, false) } + errand.offer.map { ($0, true) }, uniquingKeysWith: { $0 && $1 })
      let near = isOffer.keys.filter { reachable.contains($0) && $0 != push.except }.sorted()
        .compactMap { linkedSite($0, at: now) }
      let far = isOffer.keys.filter { !reachable.contains($0) && $0 != mesh.site && $0 != push.except }
      let errands = Self.errands(to: near, for: far.sorted())
      return near.map { site in
        Delivery(
          site: site, isOffer: isOffer[site.name] ?? true, errand: errands[site.name] ?? Errand())
      }
    case .neighbours:
      let sites = linkedSites(at: now)
      let sharers = UInt64(sites.count(where: \.isPublic) + 1)
      return sites.filter { site in
        reachable.contains(site.name) && site.name != push.except
          && StableHash.of(mesh.site.description, site.name.description) % sharers < Self.forwarders
      }.map { Delivery(site: $0, isOffer: true, errand: nil) }
    }
  }

  /// Shares sites out among those that may reach them: those with an endpoint, which everyone can open a tunnel to.
  private static func errands(to near: [Site], for far: [SiteName]) -> [SiteName: Errand] {
    guard !far.isEmpty else { return [:] }
    let open = near.filter(\.isPublic).map(\.name)
    let forwarders = open.isEmpty ? near.map(\.name) : open
    var errands: [SiteName: Errand] = [:]
    for site in far {
      let ranks = forwarders.map { StableHash.of($0.description, site.description) }
      guard let first = ranks.indices.min(by: { ranks[$0] < ranks[$1] }) else { break }
      errands[forwarders[first], default: Errand()].push.append(site)
      for index in ranks.indices
      where index != first && ranks[index] % UInt64(ranks.count) < Self.forwarders {
        errands[forwarders[index], default: Errand()].offer.append(site)
      }
    }
    return errands
  }

  /// Which documents of an offer to ask for: those not held and not on their way already.
  public mutating func wanted(_ hashes: [String], from sender: SiteName, at now: Timestamp) -> [String] {
    hashes.filter { !directory.holds($0) && promises.shouldAsk(sender, for: $0, at: now) }
  }

  /// How many directories are compared with ours a minute: in a large mesh news spread by a few comparisons as fast.
  static let comparisons = 8

  /// The sites to compare directories with in a round: all of a small mesh, in turn those of a large one.
  public func comparisonPartners(among reachable: Set<SiteName>, round: Int) -> [SiteName] {
    guard reachable.count > Self.comparisons else { return reachable.sorted() }
    let circle = reachable.map { (StableHash.of(mesh.site.description, $0.description), $0) }.sorted {
      $0 < $1
    }
    let start = round % circle.count * Self.comparisons
    return (start..<start + Self.comparisons).map { circle[$0 % circle.count].1 }
  }
}

extension Site {
  /// Whether everyone can open a tunnel to it.
  var isPublic: Bool { descriptor?.wireguard.endpoints.isEmpty == false }
}
