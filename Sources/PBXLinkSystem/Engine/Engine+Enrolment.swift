// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension Engine {
  /// `join --request`: our keys, on disk first, and a request that offers them. It changes nothing else.
  func makeRequest(_ request: Control.RequestRequest) throws -> Control.RequestAnswer {
    if let agent { throw Self.isMember(agent) }
    let site = try request.site.map { text in
      guard let site = SiteName(text) else { throw AgentError.siteNameInvalid(text) }
      return site
    }
    let configuration = try readSiteFile()
    let keys = try keyFiles.createAgentKeys(authority: false)
    let document = try EnrolmentRequest(configuration, keys, wishing: site, at: Self.clock())
      .signed(by: keys.identity, using: cryptography)
    return Control.RequestAnswer(
      fingerprint: keys.identity.publicKey.fingerprint(using: cryptography), request: document)
  }

  /// `add-site --request`: answers when the new site's tunnel key is let in.
  func enrol(_ request: Control.EnrolRequest) async throws -> Control.EnrolAnswer {
    guard let site = SiteName(request.site) else { throw AgentError.siteNameInvalid(request.site) }
    let extensions = try request.extensions.flatMap(ExtensionPattern.parse)
    let (answer, done) = try step { agent, now in
      try agent.enrol(
        request.request, as: site, extensions: extensions, roles: request.relay ? [.relay] : [],
        lifetime: EnrolmentRequest.lifetime, at: now)
    }
    Task { await resolveNames() }
    let problems = isDown ? [] : await done.value
    let agent = try member()
    let membership = agent.sites(at: Self.clock()).first { $0.name == site }?.membership
    return Control.EnrolAnswer(
      site: site.description, address: membership?.addresses.first?.description ?? "",
      authorityFingerprint: agent.mesh.identity.authority.fingerprint(using: cryptography), answer: answer,
      problems: problems)
  }

  /// `join FILE`: becomes a member by an answer, without asking anybody. Doing it again takes in what is new.
  func join(_ request: Control.AnswerRequest) async throws -> Control.MemberAnswer {
    guard let first = request.documents.first else { throw DocumentError.notJWS(reason: "it is empty") }
    let opened = try EnrolmentAnswer.open(first, using: cryptography)
    let others = Array(request.documents.dropFirst())
    let problems: [String]
    if let agent {
      guard agent.mesh == opened.mesh, agent.identity == opened.membership.identity else {
        throw Self.isMember(agent)
      }
      problems = await
        (try step { agent, now in
          ((), agent.receive([opened.answer.membership] + others, from: nil, at: now).effects)
        }).done.value
    } else {
      problems = await carryOut(try await alone { try begin(opened, others) }).value
    }
    // Whoever can be reached is told at once; the others when their links come up.
    for site in agent?.linkedSites(at: Self.clock()) ?? [] { Task { await synchronize(with: site) } }
    return try memberAnswer(problems: problems)
  }

  private func begin(_ opened: EnrolmentAnswer.Opened, _ documents: [String]) throws -> [Effect] {
    let now = Self.clock()
    if let error = clockError(now) { throw error }
    let keys: AgentKeys
    do {
      keys = try keyFiles.loadAgentKeys(KeyGenerations())
    } catch KeyFileError.missing {
      throw EnrolmentError.noRequest
    }
    let new = try readSiteFile()
    let (agent, effects) = try Agent.join(
      opened, documents: documents, configuration: new, keys: keys, cryptography: cryptography, at: now)
    try commit(agent, effects, meta: [try .setMeta(.mesh, agent.mesh)], at: now)
    configuration = new
    return effects
  }

  private static func isMember(_ agent: Agent) -> Failure {
    Failure(
      "This server is site '\(agent.mesh.site)' of mesh '\(agent.mesh.identity.name)' already. Run "
        + "'pbxlink uninstall' first if it is to join another, or under another name.", .configuration)
  }
}
