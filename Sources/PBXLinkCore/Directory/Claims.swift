// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Who claims what: identities, tunnel addresses and extensions, by the memberships held; who of them is a member is
/// not known here. Two that claim the same are found by looking up what one of them claims, not by comparing all.
struct Claims: Hashable, Sendable {
  private enum Thing: Hashable {
    case identity(PublicKey)
    case address(IPAddress)
  }

  /// Extensions of a length that begin with the same digits; whether two patterns share a number is yet to be seen.
  private struct Prefix: Hashable {
    /// Digits that are looked up. A mesh of a thousand sites needs more than two; each X among them makes ten
    /// entries.
    static let length = 3
    let extensionLength: Int
    let digits: Int
  }

  private struct Claim: Hashable {
    let site: SiteName
    let pattern: ExtensionPattern
    /// Whether the site has the extensions itself, and not only gives them away.
    let isOwn: Bool

    func hash(into hasher: inout Hasher) { hasher.combine(site) }
  }

  private var owners: [Thing: Set<SiteName>] = [:]
  private var claims: [Prefix: Set<Claim>] = [:]
  /// The sites that share something with a given one; without those that share nothing.
  private(set) var rivals: [SiteName: Set<SiteName>] = [:]

  /// The sites with an address.
  func owners(of address: IPAddress) -> Set<SiteName> { owners[.address(address)] ?? [] }

  /// The sites that share an identity, an address or numbers with an admission, also such numbers as one of the
  /// two may only give away.
  func candidates(sharing admission: Admission) -> Set<SiteName> {
    sites(sharing: admission, admission.extensions + admission.delegated) { _ in true }
  }

  private func sites(
    sharing admission: Admission, _ patterns: [ExtensionPattern], where counts: (Claim) -> Bool
  ) -> Set<SiteName> {
    var sites: Set<SiteName> = []
    for thing in Self.things(of: admission) { if let owners = owners[thing] { sites.formUnion(owners) } }
    for pattern in patterns {
      for prefix in Self.prefixes(of: pattern) {
        for claim in claims[prefix] ?? [] where counts(claim) && claim.pattern.overlaps(pattern) {
          sites.insert(claim.site)
        }
      }
    }
    return sites
  }

  /// Notes what a site claims.
  mutating func add(_ member: Membership) {
    let admission = Admission(member)
    let found = sites(sharing: admission, admission.extensions, where: \.isOwn).subtracting([member.site])
    if !found.isEmpty { rivals[member.site] = found }
    for rival in found { rivals[rival, default: []].insert(member.site) }
    for thing in Self.things(of: admission) { owners[thing, default: []].insert(member.site) }
    for (prefix, claim) in Self.claims(of: admission) { claims[prefix, default: []].insert(claim) }
  }

  /// Forgets what a site claimed.
  mutating func remove(_ member: Membership) {
    let admission = Admission(member)
    for thing in Self.things(of: admission) { Self.remove(member.site, at: thing, from: &owners) }
    for (prefix, claim) in Self.claims(of: admission) { Self.remove(claim, at: prefix, from: &claims) }
    for rival in rivals.removeValue(forKey: member.site) ?? [] {
      Self.remove(member.site, at: rival, from: &rivals)
    }
  }

  private static func remove<Key, Element>(
    _ element: Element, at key: Key, from sets: inout [Key: Set<Element>]
  ) {
    sets[key]?.remove(element)
    if sets[key]?.isEmpty == true { sets[key] = nil }
  }

  private static func things(of admission: Admission) -> [Thing] {
    admission.addresses.map(Thing.address) + (admission.identity.map { [.identity($0)] } ?? [])
  }

  private static func claims(of admission: Admission) -> [(Prefix, Claim)] {
    [(admission.extensions, true), (admission.delegated, false)].flatMap { patterns, isOwn in
      patterns.flatMap { pattern in
        prefixes(of: pattern).map { ($0, Claim(site: admission.site, pattern: pattern, isOwn: isOwn)) }
      }
    }
  }

  private static func prefixes(of pattern: ExtensionPattern) -> [Prefix] {
    let digits = pattern.positions.prefix(Prefix.length).reduce([0]) { prefixes, digits in
      prefixes.flatMap { prefix in digits.digits.map { 10 * prefix + Int($0) } }
    }
    return digits.map { Prefix(extensionLength: pattern.length, digits: $0) }
  }
}

extension Admission {
  /// What a membership gives.
  init(_ membership: Membership) {
    self.init(
      site: membership.site, identity: membership.identity, addresses: membership.addresses,
      extensions: membership.extensions, delegated: membership.delegation?.extensions ?? [],
      admittedBy: membership.admittedBy)
  }
}
