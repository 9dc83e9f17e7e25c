// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import PBXLinkCore

extension Engine {
  /// `init`: the first site of a new mesh.
  func found(_ request: Control.FoundRequest) async throws -> Control.MemberAnswer {
    if let agent {
      throw Failure(
        "This server is site '\(agent.mesh.site)' of mesh '\(agent.mesh.identity.name)' already. Run "
          + "'pbxlink uninstall' first to start another.", .configuration)
    }
    guard let site = SiteName(request.site) else { throw AgentError.siteNameInvalid(request.site) }
    guard let mesh = MeshName(request.mesh) else {
      throw Failure(
        "'\(request.mesh)' is not a mesh name: use 1 to 63 of a-z, 0-9 and inner hyphens.", .usage)
    }
    guard let network = IPPrefix(request.network) else {
      throw Failure("'\(request.network)' is not a network: write it as 10.77.0.0/16.", .usage)
    }
    let recovery = try Ed25519PrivateKey.generate()
    let effects = try await alone {
      let now = Self.clock()
      if let error = clockError(now) { throw error }
      configuration = try readSiteFile()
      let local = try await NetworkInterfaces.list().filter { $0.interface != configuration.tunnel.interface }
      let (agent, effects) = try Agent.found(
        mesh: mesh, site: site, recovery: recovery.publicKey, network: network,
        localPrefixes: local.map(\.prefix),
        configuration: configuration,
        keys: try keyFiles.createAgentKeys(authority: true), cryptography: cryptography, at: now)
      try commit(agent, effects, meta: [try .setMeta(.mesh, agent.mesh)], at: now)
      return effects
    }
    var answer = try memberAnswer(problems: await carryOut(effects).value)
    answer.recoveryKey = RecoveryKeyText.encode(recovery.rawSecret, using: cryptography)
    return answer
  }

  /// Runs an init or a join: no other one beside it, and the planes are left to it.
  func alone<Result>(_ body: () async throws -> Result) async throws -> Result {
    guard !isJoining else {
      throw Failure("Another 'pbxlink init' or 'pbxlink join' is under way here.", .temporaryFailure)
    }
    isJoining = true
    defer { isJoining = false }
    _ = await reconciliation?.value
    return try await body()
  }

  func memberAnswer(problems: [String]) throws -> Control.MemberAnswer {
    let agent = try member()
    let membership = agent.ownSite(at: Self.clock())?.membership
    return Control.MemberAnswer(
      mesh: agent.mesh.identity.name.description, authority: agent.directory.authority.description,
      site: agent.mesh.site.description, addresses: (membership?.addresses ?? []).map(\.description),
      extensions: (membership?.extensions ?? []).map(\.description), problems: problems)
  }

  /// `add-site`: answers when the throw-away tunnel is open.
  func invite(_ request: Control.InviteRequest) async throws -> Control.InviteAnswer {
    guard let site = SiteName(request.site) else { throw AgentError.siteNameInvalid(request.site) }
    guard (60...30 * 86_400).contains(request.lifetime) else {
      throw Failure("An invitation works from one minute to 30 days, not \(request.lifetime) s.", .usage)
    }
    guard !isDown else {
      throw Failure("Links are taken down here: run 'pbxlink apply' first.", .configuration)
    }
    let extensions = try request.extensions.flatMap(ExtensionPattern.parse)
    let invite = try (request.invite ?? []).flatMap(ExtensionPattern.parse)
    let key = try X25519PrivateKey.generate()
    let entropy = InvitationEntropy(
      secret: try RandomBytes.secret(16), tunnelPrivate: key.rawSecret, tunnelPublic: key.publicKey,
      certificate: try OpenVPNCertificate(key.rawSecret).fingerprint)
    let (result, done) = try step { agent, now in
      let invited = try agent.invite(
        site, extensions: extensions, roles: request.relay ? [.relay] : [], invite: invite,
        lifetime: request.lifetime,
        entropy: entropy, at: now)
      return ((invited.pending, invited.text), invited.effects)
    }
    let problems = await done.value
    return Control.InviteAnswer(
      site: site.description, address: result.0.addresses.first?.description ?? "",
      expires: result.0.expires.description, invitation: result.1, command: ["pbxlink", "join", result.1],
      problems: problems)
  }

  /// `remove-site`: answers when the site is cut off here; the others are being told.
  func remove(_ request: Control.RemoveRequest) async throws -> Control.DoneAnswer {
    guard let site = SiteName(request.site) else { throw AgentError.siteNameInvalid(request.site) }
    let withAdmitted = request.withAdmitted ?? false
    let (admitted, done) = try step { agent, now in
      let admitted = agent.sitesAdmitted(by: site)
      let effects = try agent.remove(site, withAdmitted: withAdmitted, reason: request.reason, at: now)
      return (admitted.map { "'\($0)'" }.joined(separator: " "), effects)
    }
    let problems = await done.value
    guard problems.isEmpty else {
      throw Failure(
        "'\(site)' is revoked and the other sites are being told, but not all of it could be taken away here: "
          + problems.joined(separator: "; "), .osError)
    }
    let others =
      admitted.isEmpty
      ? [] : ["Admitted by it \(withAdmitted ? "and removed with it" : "and still members"): \(admitted)."]
    return Control.DoneAnswer(
      messages: ["'\(site)' is removed: tunnel, firewall entry, trunk and calls."] + others)
  }

  /// `plan`: what the site file and the documents would change, nothing done.
  func plan() async throws -> Plan {
    let now = Self.clock()
    var agent = try member()
    _ = try agent.handle(.configuration(try readSiteFile()), at: now)
    return await (try openPlanes()).plan(try agent.desiredState(at: now), at: now).plan
  }

  /// `apply`: take the site file as it is, change what differs now, and bring links back that 'down' took away.
  func apply(_ request: Control.ApplyRequest) async throws -> Plan {
    let now = Self.clock()
    let new = try readSiteFile()
    if request.acceptSerials == true { try endRestore(by: .serialsAccepted) }
    var next = try member()
    let effects = try next.handle(.configuration(new), at: now)
    try commit(next, effects, at: now)
    configuration = new
    if request.acceptClock {
      try store.commit([try .setMeta(.highestTime, now)], at: now)
      highestTime = now
    }
    if isDown {
      try store.commit([try .setMeta(.isDown, false)], at: Self.clock())
      isDown = false
    }
    carryOut(effects.filter { $0 != .reconcile })
    return await reconcile().plan
  }

  /// `down`: take all links away until 'apply'.
  func takeDown() async throws -> Control.DoneAnswer {
    _ = try member()
    try store.commit([try .setMeta(.isDown, true)], at: Self.clock())
    isDown = true
    return Control.DoneAnswer(messages: try await removeEverything())
  }

  private func removeEverything() async throws -> [String] {
    exchange?.cancel()
    let planes = try await openPlanes()
    for site in agent?.linkedSites(at: Self.clock()) ?? [] { _ = await hangUp(site.name) }
    let report = await inTurn { await planes.remove() }
    for step in report.steps { journal(JournalEntry(.linkTaken, "\(step.plane): \(step.change)")) }
    guard report.failures.isEmpty else {
      throw Failure(
        "Not everything could be taken away: "
          + report.failures.map { "\($0.plane.rawValue): \($0.error)" }
          .joined(separator: "; "), .osError)
    }
    return report.steps.map { "\($0.plane): \($0.change)" }
  }

  /// `uninstall`: links, keys and state away, then the agent ends; the command removes the site file.
  func uninstall(_ request: Control.UninstallRequest) async throws -> Control.DoneAnswer {
    if !request.abandonAuthority { try checkAuthorityIsKept() }
    if agent != nil { try store.commit([try .setMeta(.isDown, true)], at: Self.clock()) }
    isDown = true
    var messages = try await removeEverything()
    agent = nil
    try store.erase()
    try history?.erase()
    try keyFiles.erase()
    rmdir(configuration.stateDirectory)
    messages.append("state: keys and database removed")
    uninstalled.continuation.finish()
    return Control.DoneAnswer(messages: messages)
  }

  /// All documents, verbatim, each with the key that verifies it.
  func documents() throws -> Control.DocumentsAnswer {
    let agent = try member()
    let directory = agent.directory
    let entries = directory.records.compactMap { record in
      directory.signer(of: record).map { signer in
        Control.DocumentEntry(
          kind: record.kind.rawValue, site: directory.site(of: record)?.description,
          serial: record.version.serial, jws: record.text, jwk: .init(x: signer.description))
      }
    }
    return Control.DocumentsAnswer(
      mesh: agent.mesh.identity.name.description, authority: agent.mesh.identity.authority.description,
      site: agent.mesh.site.description, documents: entries)
  }

  /// Takes in documents from a file: they are verified like any others.
  func importing(_ request: Control.ImportRequest) async throws -> Control.ImportAnswer {
    let (receipt, done) = try step { agent, now in
      let (receipt, effects) = agent.receive(request.documents, from: nil, at: now)
      return (receipt, effects)
    }
    _ = await done.value
    return Control.ImportAnswer(accepted: receipt.accepted, refused: receipt.refused)
  }
}
