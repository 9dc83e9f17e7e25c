// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A member of the mesh as its newest documents show it at a moment.
public struct Site: Hashable, Sendable {
  /// Its newest membership.
  public let membership: Membership
  /// Its newest descriptor; nil until it has published one.
  public let descriptor: Descriptor?
  /// The membership's validity is over; the site stays linked and alarms.
  public let isMembershipExpired: Bool
  /// The descriptor's validity is over; the site stays linked and alarms.
  public let isDescriptorExpired: Bool
  /// The membership begins later: most often a clock that is wrong.
  public let isNotYetValid: Bool
  /// Why the site is not linked although it is a member: what it shares with which other site.
  public let conflict: String?
  /// The emergency numbers that count here.
  let emergencyNumbers: EmergencyNumbers

  /// Its name.
  public var name: SiteName { membership.site }
  /// Its key.
  public var identity: PublicKey { membership.identity }
  /// The announced extensions to link: granted by the newest membership, and no emergency number here.
  public var extensions: [ExtensionPattern] { (descriptor?.extensions ?? []).filter(isLinked) }
  /// Announced extensions that are not linked.
  public var withheldExtensions: [ExtensionPattern] {
    (descriptor?.extensions ?? []).filter { !isLinked($0) }
  }
  private func isLinked(_ pattern: ExtensionPattern) -> Bool {
    membership.extensions.covers(pattern) && !emergencyNumbers.numbers.contains(where: pattern.matches)
  }
  /// Whether either document is past its validity.
  public var isExpired: Bool { isMembershipExpired || isDescriptorExpired }
}

extension Directory {
  /// The members, revoked ones left out, by name. `emergencyNumbers` are those that count here.
  public func sites(at now: Timestamp, emergencyNumbers: EmergencyNumbers = .standard) -> [Site] {
    knownSites.sites(at: now, emergencyNumbers) {
      let conflicts = conflicts()
      return members.map { site($0, conflict: conflicts[$0.site], at: now, emergencyNumbers) }
    }
  }

  /// The member of a name.
  public func site(
    _ name: SiteName, at now: Timestamp, emergencyNumbers: EmergencyNumbers = .standard
  ) -> Site? {
    member(name).map { member in
      let conflict = claims.rivals[name] == nil ? nil : conflicts()[name]
      return site(member, conflict: conflict, at: now, emergencyNumbers)
    }
  }

  private func site(
    _ membership: Membership, conflict: String?, at now: Timestamp, _ emergencyNumbers: EmergencyNumbers
  ) -> Site {
    let descriptor = descriptors[membership.identity]?.content
    return Site(
      membership: membership, descriptor: descriptor, isMembershipExpired: membership.notAfter <= now,
      isDescriptorExpired: descriptor.map { $0.expiresAt <= now } ?? false,
      isNotYetValid: now < membership.notBefore, conflict: conflict, emergencyNumbers: emergencyNumbers)
  }

  /// The memberships that count, by name.
  var members: [Membership] {
    memberships.values.map(\.content).filter(isMember).sorted { $0.site < $1.site }
  }

  /// The membership of a name, if it counts.
  func member(_ name: SiteName) -> Membership? {
    memberships[name].map(\.content).flatMap { isMember($0) ? $0 : nil }
  }

  /// Neither revoked itself, nor admitted by an inviter who might not do so by its own newest membership.
  private func isMember(_ membership: Membership) -> Bool {
    guard revoked[membership.identity] == nil else { return false }
    guard let inviter = inviters[membership.site] else { return true }
    return delegates(inviter.site, as: inviter.identity)?.mayAdmit(membership) == true
  }

  /// The membership of a site that the authority itself has admitted and that is not revoked.
  private func delegates(_ name: SiteName, as identity: PublicKey) -> Membership? {
    guard let held = memberships[name]?.content, held.identity == identity, inviters[name] == nil,
      revoked[identity] == nil
    else { return nil }
    return held
  }

  /// The order in which members take what only one can have: those that the authority has admitted, then those
  /// of the inviter admitted first; among them the older. What an inviter writes decides only between its own.
  func rank(_ membership: Membership) -> (Int, Timestamp, PublicKey, Timestamp, PublicKey) {
    let inviter = inviters[membership.site]
    let first = inviter ?? membership
    return (
      inviter == nil ? 0 : 1, first.notBefore, first.identity, membership.notBefore, membership.identity
    )
  }

  /// The members that may not be linked because they share something with an older member that is. Every site
  /// comes to the same answer: the older is the one admitted first, then the one of the lower identity, and a
  /// site that the authority has admitted is older than one that an inviter has.
  private func conflicts() -> [SiteName: String] {
    var conflicts: [SiteName: String] = [:]
    var accepted: [Membership] = []
    var owners: [String: SiteName] = [:]
    // Who shares nothing with anybody is in no conflict.
    for member in claims.rivals.keys.compactMap(member).sorted(by: { rank($0) < rank($1) }) {
      // Only what the authority has signed: what a site says of itself must not put another one out.
      let unique = ["identity \(member.identity)"] + member.addresses.map { "tunnel address \($0)" }
      if let shared = unique.first(where: { owners[$0] != nil }), let owner = owners[shared] {
        conflicts[member.site] = "\(shared) belongs to site '\(owner)', admitted earlier"
      } else if let (pattern, other, owner) = overlap(of: member.extensions, with: accepted) {
        conflicts[member.site] =
          "extensions \(pattern) overlap \(other) of site '\(owner)', admitted earlier"
      } else {
        accepted.append(member)
        for thing in unique { owners[thing] = member.site }
      }
    }
    return conflicts
  }

  /// The first pattern that shares a number with one of another member.
  func overlap(
    of extensions: [ExtensionPattern], with members: [Membership]
  ) -> (pattern: ExtensionPattern, other: ExtensionPattern, owner: SiteName)? {
    for member in members {
      for pattern in extensions {
        if let other = member.extensions.first(where: pattern.overlaps) {
          return (pattern, other, member.site)
        }
      }
    }
    return nil
  }
}
