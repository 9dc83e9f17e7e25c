// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What the authority changes about a member; nil leaves a thing as it is.
public struct Grant: Hashable, Sendable {
  /// The extensions that it may announce.
  public var extensions: [ExtensionPattern]?
  /// Whether it may relay for sites that cannot reach each other.
  public var relay: Bool?
  /// The extensions within which it may admit sites; empty for none.
  public var invite: [ExtensionPattern]?

  /// A change.
  public init(extensions: [ExtensionPattern]? = nil, relay: Bool? = nil, invite: [ExtensionPattern]? = nil) {
    self.extensions = extensions
    self.relay = relay
    self.invite = invite
  }
}

extension Agent {
  /// Gives a member another membership. Sites that it has admitted stay: the authority signs for those that
  /// it might not admit any more.
  public mutating func grant(_ name: SiteName, _ grant: Grant, at now: Timestamp) throws -> [Effect] {
    let authority = try authority(for: "grant")
    try checkSerialsAreKnown(for: "grant")
    guard let member = directory.members.first(where: { $0.site == name }) else {
      throw AgentError.siteUnknown(name)
    }
    guard name != mesh.site || grant.extensions == nil else { throw AgentError.extensionsAreOurs }
    var next = renewed(member, at: now)
    if let extensions = grant.extensions { next.extensions = extensions.sorted() }
    if let relay = grant.relay { next.roles = next.roles.filter { $0 != .relay } + (relay ? [.relay] : []) }
    if let invite = grant.invite {
      guard name != mesh.site else { throw AgentError.delegationToAuthority(name) }
      next.delegation = delegation(of: invite)
      next.roles = next.roles.filter { $0 != .inviter } + (invite.isEmpty ? [] : [.inviter])
    }
    next.roles.sort()
    let admission = Admission(
      site: name, identity: next.identity, addresses: next.addresses, extensions: next.extensions,
      delegated: next.delegation?.extensions ?? [], admittedBy: next.admittedBy)
    if let error = directory.admissionError(
      for: admission, besides: invitations.filter { $0.site != name }.map(\.admission),
      emergencyNumbers: configuration.numbers.emergency)
    {
      throw error
    }
    let orphans = directory.admitted(by: name).filter { !next.mayAdmit($0) }
    let documents =
      try confirmations(of: orphans, at: now) + [next.signed(by: authority, using: cryptography)]
    let entry = JournalEntry(.siteGranted, site: name, "granted \(next.summary)")
    return [.journal(entry)] + (try acceptOwn(documents, at: now))
  }

  /// The sites that a site has admitted.
  public func sitesAdmitted(by site: SiteName) -> [SiteName] { directory.admitted(by: site).map(\.site) }

  /// What is delegated with these extensions; nil for none.
  func delegation(of extensions: [ExtensionPattern]) -> Delegation? {
    extensions.isEmpty ? nil : Delegation(extensions: extensions, networks: mesh.networks)
  }

  /// Memberships by the authority for sites that only an inviter has signed for.
  func confirmations(of members: [Membership], at now: Timestamp) throws -> [String] {
    guard let authority = keys.authority else { return [] }
    return try members.filter { directory.hangsOnInviter($0.site) }.map {
      try renewed($0, at: now).signed(by: authority, using: cryptography)
    }
  }
}

extension Membership {
  /// What it grants, for the journal.
  fileprivate var summary: String {
    let patterns = { (list: [ExtensionPattern]) in list.map(\.description).joined(separator: " ") }
    return "extensions \(extensions.isEmpty ? "none" : patterns(extensions))"
      + (roles.isEmpty ? "" : ", roles " + roles.map(\.rawValue).joined(separator: " "))
      + (delegation.map { ", may admit sites with \(patterns($0.extensions))" } ?? "")
  }
}
