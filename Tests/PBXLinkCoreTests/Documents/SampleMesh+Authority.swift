// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

extension SampleMesh {
  /// A charter of an authority by its name, signed by it.
  func charter(
    of authority: String = "authority", recovery: String = "recovery", former: [String] = [],
    serial: UInt64 = 1, by signer: String? = nil
  ) throws -> String {
    let charter = Charter(
      mesh: identity.name, authority: try FakeSigner(authority).publicKey,
      recovery: try FakeSigner(recovery).publicKey, former: try former.map { try FakeSigner($0).publicKey },
      serial: serial)
    return try sign(charter, by: signer ?? authority)
  }

  /// A succession between authorities by their names, signed by a recovery key; the new recovery key is called
  /// after the new authority.
  func succession(
    from former: String = "authority", to authority: String, by recovery: String = "recovery",
    memberships: Int = 0, revoked: Int = 0, charter: String? = nil, isConsented: Bool = false
  ) throws -> String {
    let next = "recovery of \(authority)"
    let succession = Succession(
      mesh: identity.name, serial: 2, former: try FakeSigner(former).publicKey,
      authority: try FakeSigner(authority).publicKey, recovery: try FakeSigner(next).publicKey,
      memberships: memberships, revoked: revoked, charter: charter,
      consent: isConsented ? try self.charter(of: authority, recovery: next, by: former) : nil)
    return try sign(succession, by: recovery)
  }

  /// The same mesh as a site sees it that knows the recovery key from the beginning.
  var pinned: MeshIdentity {
    get throws {
      MeshIdentity(
        name: identity.name, authority: authority.publicKey, recovery: try FakeSigner("recovery").publicKey)
    }
  }

  /// A membership that an inviter has signed in the authority's place.
  func admitted(
    _ site: String, by inviter: Membership, number: UInt8, identity signer: String? = nil, serial: UInt64 = 1,
    edit: (inout Membership) throws -> Void = { _ in }
  ) throws -> String {
    var membership = try self.membership(site, number: number, identity: signer, serial: serial)
    membership.roles = []
    membership.admittedBy = inviter.site
    membership.inviter = try sign(inviter)
    try edit(&membership)
    return try sign(membership, by: inviter.site.description)
  }

  /// A member that may admit others.
  func inviter(
    _ site: String, number: UInt8, extensions: [String], notBefore: Timestamp = now
  ) throws -> Membership {
    var membership = try membership(site, number: number, notBefore: notBefore)
    membership.roles = [.inviter]
    membership.delegation = Delegation(
      extensions: try extensions.map { try #require(ExtensionPattern($0)) },
      networks: [try #require(IPPrefix("10.77.0.0/16")), try #require(IPPrefix("fd00::/48"))])
    return membership
  }

  /// Documents merged in their order, and again until nothing changes: as anti-entropy brings them.
  func directory(_ mesh: MeshIdentity, of documents: [String]) throws -> Directory {
    var directory = Directory(mesh: mesh)
    while true {
      let before = directory
      for document in documents { _ = try? directory.merge(document, using: cryptography) }
      if directory == before { return directory }
    }
  }
}
