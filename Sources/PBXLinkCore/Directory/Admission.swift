// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a site is to have in the mesh, before the authority signs it.
public struct Admission: Hashable, Sendable {
  /// The name.
  public var site: SiteName
  /// The key; nil while the site is only invited.
  public var identity: PublicKey?
  /// The tunnel addresses.
  public var addresses: [IPAddress]
  /// The extensions.
  public var extensions: [ExtensionPattern]
  /// The extensions within which it may admit others.
  public var delegated: [ExtensionPattern]
  /// The site that admits it in the authority's place; nil for the authority.
  public var admittedBy: SiteName?

  /// A wished-for admission.
  public init(
    site: SiteName, identity: PublicKey?, addresses: [IPAddress], extensions: [ExtensionPattern],
    delegated: [ExtensionPattern] = [], admittedBy: SiteName? = nil
  ) {
    self.delegated = delegated
    self.admittedBy = admittedBy
    self.site = site
    self.identity = identity
    self.addresses = addresses
    self.extensions = extensions
  }
}

/// Why the authority must not sign a membership.
public enum AdmissionError: Error, Hashable, Sendable {
  case nameTaken(SiteName)
  case nameInvited(SiteName)
  case identityTaken(by: SiteName)
  case identityRevoked(SiteName)
  case addressTaken(IPAddress, by: SiteName)
  case extensionsOverlap(ExtensionPattern, ExtensionPattern, of: SiteName)
  case nameUsed(SiteName)
  case extensionsDelegated(ExtensionPattern, to: SiteName)
  case notDelegated(ExtensionPattern)
  case emergencyNumber(NumberPlanError)
}

extension AdmissionError: CustomStringConvertible {
  /// What stands in the way and what to do.
  public var description: String {
    switch self {
    case .nameTaken(let site):
      "the name '\(site)' is taken by a site with another identity; choose another name, or first remove that "
        + "site (pbxlink remove-site \(site))"
    case .nameInvited(let site):
      "site '\(site)' has an open invitation; choose another name, or let the invitation expire"
    case .identityTaken(let site):
      "this machine is site '\(site)' already; remove that site first (pbxlink remove-site \(site))"
    case .identityRevoked(let site):
      "the identity of this machine was revoked as site '\(site)'; it needs a new identity to join again"
    case .addressTaken(let address, let site):
      "the tunnel address \(address) belongs to site '\(site)'; choose another one"
    case .extensionsOverlap(let pattern, let other, let site):
      "extensions \(pattern) overlap \(other) of site '\(site)'; choose extensions that no other site has"
    case .nameUsed(let site):
      "the name '\(site)' belonged to a site that the authority has admitted and removed; only the authority can "
        + "give it away again"
    case .extensionsDelegated(let pattern, let site):
      "extensions \(pattern) overlap those with which site '\(site)' may admit others; choose others, or have "
        + "'\(site)' admit the site"
    case .notDelegated(let pattern):
      "this site may not grant extensions \(pattern); the authority has delegated others to it, which 'pbxlink "
        + "sites --json' shows"
    case .emergencyNumber(let error): error.description
    }
  }
}

extension Directory {
  /// What stands in the way of an admission, if anything. `open` are the other admissions promised so far
  /// (invitations not yet used); `emergencyNumbers` are those that count here.
  public func admissionError(
    for admission: Admission, besides open: [Admission] = [], emergencyNumbers: EmergencyNumbers = .standard
  ) -> AdmissionError? {
    if let identity = admission.identity, let entry = revoked[identity] {
      return .identityRevoked(entry.site)
    }
    do {
      try emergencyNumbers.check(admission.extensions + admission.delegated)
    } catch {
      return .emergencyNumber(error)
    }
    if let inviter = admission.admittedBy, let own = member(inviter).map({ Admission($0) }) {
      // What it admitted before it lost a delegation the authority has confirmed: that may be granted anew.
      let isMember = member(admission.site) != nil && !hangsOnInviter(admission.site)
      if !isMember, let pattern = admission.extensions.first(where: { !own.delegated.covers($0) }) {
        return .notDelegated(pattern)
      }
      if let held = memberships[admission.site]?.content, inviters[admission.site] == nil,
        revoked[held.identity] != nil
      {
        return .nameUsed(admission.site)
      }
    }
    if let other = member(admission.site), other.identity != admission.identity {
      return .nameTaken(other.site)
    }
    for other in open where other.site == admission.site { return .nameInvited(other.site) }
    let taken = claims.candidates(sharing: admission).sorted().compactMap(member).map { Admission($0) }
    // A site may keep what it has: renewing a membership is an admission too.
    for other in taken + open where other.site != admission.site {
      if let identity = admission.identity, identity == other.identity {
        return .identityTaken(by: other.site)
      }
      if let address = admission.addresses.first(where: other.addresses.contains) {
        return .addressTaken(address, by: other.site)
      }
      for pattern in admission.extensions {
        if let match = other.extensions.first(where: pattern.overlaps) {
          return .extensionsOverlap(pattern, match, of: other.site)
        }
        if other.site != admission.admittedBy, other.delegated.contains(where: pattern.overlaps) {
          return .extensionsDelegated(pattern, to: other.site)
        }
      }
      for pattern in admission.delegated {
        if other.admittedBy != admission.site, let match = other.extensions.first(where: pattern.overlaps) {
          return .extensionsOverlap(pattern, match, of: other.site)
        }
        if other.delegated.contains(where: pattern.overlaps) {
          return .extensionsDelegated(pattern, to: other.site)
        }
      }
    }
    return nil
  }
}
