// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Who claims what: identities, tunnel addresses and extensions, by the memberships held; who of them is a member is
/// not known here. Two that claim the same are found by looking up what one of them claims, not by comparing all.
struct Claims: Hashable, Sendable {
  private enum Thing: Hashable {
    case identity(PublicKey)
    case address(IPAddress)
    /// Extensions of a length that begin with the same digits; whether two patterns share a number is yet to be seen.
    case extensions(length: Int, prefix: [UInt8])
  }

  /// Digits of an extension that are looked up. A mesh of a thousand sites needs more than two; each X among them
  /// makes ten entries.
  private static let prefixLength = 3

  private var owners: [Thing: Set<SiteName>] = [:]
  /// The sites that share something with a given one; without those that share nothing.
  private(set) var rivals: [SiteName: Set<SiteName>] = [:]

  /// The sites with an address.
  func owners(of address: IPAddress) -> Set<SiteName> { owners[.address(address)] ?? [] }

  /// The sites that share an identity or address with an admission, and those that might share extensions,
  /// also such as one of the two may only give away.
  func candidates(sharing admission: Admission) -> Set<SiteName> {
    Self.things(of: admission).reduce(into: []) { $0.formUnion(owners[$1] ?? []) }
  }

  /// Notes what a site claims.
  /// - Parameter members: what the others are.
  mutating func add(_ member: Membership, among members: (SiteName) -> Membership?) {
    let admission = Admission(member)
    let found = candidates(sharing: admission).filter { name in
      name != member.site && members(name).map { admission.shares(with: Admission($0)) } == true
    }
    if !found.isEmpty { rivals[member.site] = found }
    for rival in found { rivals[rival, default: []].insert(member.site) }
    for thing in Self.things(of: admission) { owners[thing, default: []].insert(member.site) }
  }

  /// Forgets what a site claimed.
  mutating func remove(_ member: Membership) {
    for thing in Self.things(of: Admission(member)) { Self.remove(member.site, at: thing, from: &owners) }
    for rival in rivals.removeValue(forKey: member.site) ?? [] {
      Self.remove(member.site, at: rival, from: &rivals)
    }
  }

  private static func remove<Key>(_ site: SiteName, at key: Key, from sites: inout [Key: Set<SiteName>]) {
    sites[key]?.remove(site)
    if sites[key]?.isEmpty == true { sites[key] = nil }
  }

  private static func things(of admission: Admission) -> Set<Thing> {
    var things = Set(admission.addresses.map(Thing.address))
    if let identity = admission.identity { things.insert(.identity(identity)) }
    for pattern in admission.extensions + admission.delegated {
      let prefixes = pattern.positions.prefix(prefixLength).reduce([[]]) { prefixes, digits in
        prefixes.flatMap { prefix in digits.digits.map { prefix + [$0] } }
      }
      things.formUnion(prefixes.map { .extensions(length: pattern.length, prefix: $0) })
    }
    return things
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

  /// Whether two sites may not both have this.
  fileprivate func shares(with other: Admission) -> Bool {
    identity == other.identity || addresses.contains(where: other.addresses.contains)
      || extensions.contains { pattern in other.extensions.contains(where: pattern.overlaps) }
  }
}
