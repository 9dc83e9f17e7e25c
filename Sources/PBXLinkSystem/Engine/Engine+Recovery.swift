// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension Engine {
  /// `authority recovery-key`: another recovery key, where the authority is held.
  func nameRecoveryKey() async throws -> Control.RecoveryKeyAnswer {
    let key = try Ed25519PrivateKey.generate()
    let done = try step { agent, now in ((), try agent.nameRecoveryKey(key.publicKey, at: now)) }.done
    _ = await done.value
    let agent = try member()
    return Control.RecoveryKeyAnswer(
      mesh: agent.mesh.identity.name.description, authority: agent.directory.authority.description,
      recoveryKey: RecoveryKeyText.encode(key.rawSecret, using: cryptography))
  }

  /// `authority recover`: a new authority, held here. Its key is on disk before anyone hears of it.
  func recover(_ request: Control.RecoverRequest) async throws -> Control.RecoverAnswer {
    guard let secret = RecoveryKeyText.decode(request.recoveryKey, using: cryptography) else {
      throw Failure(
        "This is not a recovery key: it has 14 groups of 4 letters and digits, and one of them is wrong here.",
        .dataError)
    }
    let recovery = try Ed25519PrivateKey(secret)
    try member().checkRecoveryKey(recovery.publicKey)
    await synchronizeWithAll()
    let authority = try keyFiles.createAuthority(number: try member().directory.authorityNumber + 1)
    let next = try Ed25519PrivateKey.generate()
    let (sites, done) = try step { agent, now in
      let result = try agent.recover(with: recovery, authority: authority, next: next.publicKey, at: now)
      return (result.sites, result.effects)
    }
    let problems = await done.value
    return Control.RecoverAnswer(
      mesh: try member().mesh.identity.name.description, authority: authority.publicKey.description,
      recoveryKey: RecoveryKeyText.encode(next.rawSecret, using: cryptography),
      sites: sites.map(\.description), problems: problems)
  }

  /// What others know and we do not yet would be lost under a new authority.
  private func synchronizeWithAll() async {
    guard let agent else { return }
    await withTaskGroup { group in
      for site in agent.linkedSites(at: Self.clock()) {
        group.addTask { _ = await self.synchronize(with: site) }
      }
    }
  }

  /// `grant`: another membership for a site.
  func grant(_ request: Control.GrantRequest) async throws -> Control.DoneAnswer {
    guard let site = SiteName(request.site) else { throw AgentError.siteNameInvalid(request.site) }
    let grant = Grant(
      extensions: try request.extensions?.flatMap(ExtensionPattern.parse), relay: request.relay,
      invite: try request.invite?.flatMap(ExtensionPattern.parse))
    let done = try step { agent, now in ((), try agent.grant(site, grant, at: now)) }.done
    let problems = await done.value
    return Control.DoneAnswer(
      messages: ["'\(site)' has its new membership; the other sites are being told."] + problems)
  }
}
