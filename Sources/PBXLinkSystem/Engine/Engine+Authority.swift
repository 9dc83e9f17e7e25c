// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension Engine {
  /// `authority show`.
  func authority() throws -> Control.AuthorityAnswer {
    let agent = try member()
    return Control.AuthorityAnswer(
      mesh: agent.mesh.identity.name.description, authority: agent.directory.authority.description,
      site: agent.mesh.site.description, isHeldHere: agent.holdsAuthority,
      exportedAt: try authorityExport()?.description, otherInviters: agent.authorityHolders.map(\.description)
    )
  }

  private func authorityExport() throws -> Timestamp? { try store.load().meta(.authorityExported) }

  /// `authority import`: the key is on disk before anything is signed with it.
  func take(_ request: Control.AuthorityKey) async throws -> Control.DoneAnswer {
    guard let secret = request.key else { throw Failure("That is no authority key.", .dataError) }
    let key = try Ed25519PrivateKey(secret)
    let now = Self.clock()
    var next = try member()
    let effects = try next.take(authority: key, at: now)
    try keyFiles.keepAuthority(secret, number: next.directory.authorityNumber)
    try commit(next, effects, at: now)
    _ = await carryOut(effects).value
    let hint =
      "! No site can join here yet: set 'tunnel: endpoints:' to where the Internet reaches this site."
    return Control.DoneAnswer(
      messages: [
        "Site '\(next.mesh.site)' holds the authority key of mesh '\(next.mesh.identity.name)' now: 'add-site' and "
          + "'remove-site' work here."
      ] + (configuration.tunnel.endpoints.isEmpty ? [hint] : []))
  }

  /// A copy of the authority key is in a file that was read back.
  func noteAuthorityExport() throws -> Control.DoneAnswer {
    guard try member().holdsAuthority else {
      throw Failure("This site does not hold the authority key.", .noPermission)
    }
    let now = Self.clock()
    let entry = JournalEntry(.authorityExported, "a copy of the authority key was exported")
    try store.commit([try .setMeta(.authorityExported, now), .appendEvent(entry)], at: now)
    return Control.DoneAnswer(messages: [])
  }

  /// `authority export --remove`: only after an export.
  func removeAuthority() async throws -> Control.DoneAnswer {
    let now = Self.clock()
    var next = try member()
    guard try authorityExport() != nil || !next.holdsAuthority else {
      throw Failure("The authority key is not removed: no copy of it was exported here.", .configuration)
    }
    let effects = try next.giveUpAuthority(at: now)
    try commit(next, effects, meta: [try .setMeta(.authorityExported, Timestamp?.none)], at: now)
    if let key = try keyFiles.authority(next.directory.authority) { try keyFiles.remove(key.name) }
    _ = await carryOut(effects).value
    return Control.DoneAnswer(messages: ["The authority key is no longer on this site."])
  }

  /// Refuses to lose what may be the last copy of the authority key while other sites need it.
  func checkAuthorityIsKept() throws {
    guard let agent, agent.holdsAuthority else { return }
    let others = agent.sites(at: Self.clock()).filter { $0.identity != agent.identity }.map(
      \.name.description)
    guard !others.isEmpty, try authorityExport() == nil else { return }
    throw Failure(
      "This site holds the authority key of mesh '\(agent.mesh.identity.name)', and no copy was exported here: "
        + "without it no site can be added or removed any more (left: \(others.joined(separator: ", "))). Nothing was "
        + "changed. Keep it with 'pbxlink authority export FILE', or give it up for good with --abandon-authority.",
      .configuration)
  }
}
