// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

/// Offices that join a mesh as admins would have them do, with a network that loses nothing.
struct Offices {
  let cryptography = FakeCryptography()
  static let now = SampleMesh.now

  /// The site file of an office; without endpoint it is behind NAT.
  func configuration(extensions: [String] = [], endpoints: [String] = []) throws -> Configuration {
    var configuration = Configuration()
    configuration.numbers.extensions = try patterns(extensions)
    configuration.tunnel.endpoints = try endpoints.map { try #require(Endpoint($0)) }
    return configuration
  }

  /// The first office of a mesh, with extensions 6XX and a public address.
  func head(
    network: String = "10.77.0.0/16", localPrefixes: [String] = [], configuration: Configuration? = nil,
    authority: String? = "authority", recovery: String? = nil
  ) throws -> (agent: Agent, effects: [Effect]) {
    try Agent.found(
      mesh: try #require(MeshName("acme")), site: site("head"),
      recovery: try recovery.map { try FakeSigner($0).publicKey }, network: try #require(IPPrefix(network)),
      localPrefixes: try localPrefixes.map { try #require(IPPrefix($0)) },
      configuration: try configuration
        ?? self.configuration(extensions: ["6XX"], endpoints: ["203.0.113.5:51820"]),
      keys: .fake("head", authority: authority), cryptography: cryptography, at: Self.now)
  }

  /// What `add-site` does at the head office; the line is read back as the new office reads it.
  func invite(
    _ name: String, _ extensions: [String], to head: inout Agent, lifetime: Int64 = 3600,
    entropy: String? = nil,
    at now: Timestamp = now
  ) throws -> (invitation: Invitation, pending: PendingInvitation, effects: [Effect]) {
    let (pending, text, effects) = try head.invite(
      site(name), extensions: patterns(extensions), roles: [], lifetime: lifetime,
      entropy: .fake(entropy ?? name), at: now)
    return (try Invitation.parse(text, now: now, using: cryptography), pending, effects)
  }

  /// Asks the head office to redeem an invitation.
  func redeem(
    _ invitation: Invitation, as identity: String, at head: inout Agent, now: Timestamp = now
  ) throws -> (answer: JoinAnswer, effects: [Effect]) {
    try head.redeem(
      JoinRequest(
        secret: Base64URL.encode(invitation.secret.exposedBytes), identity: FakeSigner(identity).publicKey),
      from: invitation.tunnel.address, at: now)
  }

  /// Invites an office, lets it join, and brings its documents to the head office.
  func join(
    _ name: String, _ extensions: [String], to head: inout Agent, configuration: Configuration? = nil,
    generations: [UInt32] = [1], at now: Timestamp = now
  ) throws -> Agent {
    let invitation = try invite(name, extensions, to: &head, at: now).invitation
    let answer = try redeem(invitation, as: name, at: &head, now: now).answer
    let agent = try Agent.join(
      invitation, answer: answer, configuration: try configuration ?? self.configuration(),
      keys: .fake(name, generations: generations), cryptography: cryptography, at: now
    ).agent
    #expect(
      head.receive(agent.directory.allDocuments(), from: agent.mesh.site, at: Self.now).receipt.refused == [])
    return agent
  }

  /// Gives each agent what the others know.
  func exchange(_ agents: inout [Agent], at now: Timestamp = now) {
    for index in agents.indices {
      for other in agents.indices where other != index {
        let missing = agents[other].directory.documents(missingFrom: agents[index].directory.digest())
        _ = agents[index].receive(missing, from: agents[other].mesh.site, at: now)
      }
    }
  }

  /// An agent as it would start again from what was saved.
  func restarted(_ agent: Agent, configuration: Configuration? = nil) throws -> Agent {
    try Agent(
      mesh: agent.mesh, configuration: configuration ?? agent.configuration, keys: agent.keys,
      documents: agent.directory.allDocuments(), invitations: agent.invitations, cryptography: cryptography)
  }

  /// A descriptor of an office as it might write it itself.
  func descriptor(
    of agent: Agent, serial: UInt64? = nil, edit: (inout Descriptor) throws -> Void
  ) throws -> String {
    var descriptor = try #require(agent.directory.descriptor(of: agent.identity)).content
    (descriptor.serial, descriptor.previous) = agent.directory.nextDescriptor(of: agent.identity)
    if let serial { descriptor.serial = serial }
    try edit(&descriptor)
    return try descriptor.signed(by: agent.keys.identity, using: cryptography)
  }

  func site(_ name: String) throws -> SiteName { try #require(SiteName(name)) }

  func patterns(_ texts: [String]) throws -> [ExtensionPattern] {
    try texts.map { try #require(ExtensionPattern($0)) }
  }
}

extension [Effect] {
  /// The kinds of the journal entries.
  var journal: [JournalEntry.Kind] {
    compactMap { if case .journal(let entry) = $0 { entry.kind } else { nil } }
  }

  /// The documents that are sent, and to whom not.
  var pushes: [(documents: [String], except: SiteName?)] {
    compactMap { if case .push(let push) = $0 { (push.documents, push.except) } else { nil } }
  }

  /// The sites with which calls end.
  var hungUp: [SiteName] { compactMap { if case .hangUp(let site) = $0 { site } else { nil } } }
}
