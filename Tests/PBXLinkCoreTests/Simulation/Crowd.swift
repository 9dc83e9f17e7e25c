// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

@testable import PBXLinkCore

/// Many agents and the exchange between them, in rounds: what is sent in one arrives in the next, in any order. The
/// network may lose and repeat; who can reach whom is given. Everything follows from the seed.
struct Crowd {
  /// One request and its answer.
  struct Exchange {
    enum Content {
      case push([String], Errand?)
      case offer([String], Errand?)
      case compare
      case synchronize(Set<Int>)
    }
    let from: SiteName
    let to: SiteName
    let content: Content
  }

  let seed: UInt64
  let cryptography = FakeCryptography()
  let now = SampleMesh.now
  let names: [SiteName]
  var random: SplitMix64
  var agents: [SiteName: Agent] = [:]
  /// The sites to which each has a link that works.
  var links: [SiteName: Set<SiteName>] = [:]
  var lossPermille = 0
  var repetitionPermille = 0
  var underWay: [Exchange] = []
  /// Rounds since the last ``reset()``.
  private(set) var rounds = 0
  /// Bytes of request and answer bodies since then.
  private(set) var bytes = 0
  /// Whoever a list says is out, apart from what the agents make of it.
  var revoked: Set<SiteName> = []

  /// Agents that all know each other, or each only itself and the first one.
  /// - Parameter isPublic: whether the site of a number has an endpoint.
  init(_ count: Int, seed: UInt64, know all: Bool = true, isPublic: (Int) -> Bool) throws {
    self.seed = seed
    random = SplitMix64(seed: seed)
    guard let mesh = MeshName("acme"), let network = IPPrefix("10.77.0.0/16") else { throw Fault("names") }
    names = (0..<count).compactMap { SiteName("site-\($0)") }
    let authority = try FakeSigner("authority")
    let identity = MeshIdentity(name: mesh, authority: authority.publicKey)
    for (number, name) in names.enumerated() {
      guard let address = IPAddress(bytes: [10, 77, UInt8(1 + number / 250), UInt8(1 + number % 250)]),
        let pattern = ExtensionPattern("\(1000 + number)XX"), let endpoint = Endpoint("203.0.113.9:51820")
      else { throw Fault("numbers") }
      let membership = Membership(
        mesh: mesh, site: name, identity: try FakeSigner(name.description).publicKey, addresses: [address],
        extensions: [pattern], serial: 1, notBefore: now, notAfter: now + Agent.membershipLifetime)
      var configuration = Configuration()
      if isPublic(number) { configuration.tunnel.endpoints = [endpoint] }
      var agent = try Agent(
        mesh: Mesh(identity: identity, networks: [network], site: name), configuration: configuration,
        keys: .fake(name.description, authority: number == 0 ? "authority" : nil),
        documents: [membership.signed(by: authority, using: cryptography)], invitations: [],
        cryptography: cryptography)
      _ = try agent.handle(.tick, at: now)
      agents[name] = agent
    }
    guard var whole = agents[names[0]] else { throw Fault("no site") }
    for name in names.dropFirst() {
      if !all { _ = agents[name]?.receive(whole.directory.allDocuments(), from: nil, at: now) }
    }
    guard all else { return }
    for agent in agents.values {
      for document in agent.directory.allDocuments() {
        _ = try whole.directory.merge(document, using: cryptography)
      }
    }
    for name in names { agents[name]?.directory = whole.directory }
  }

  struct Fault: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
    guard condition else { throw Fault("seed \(seed), round \(rounds): \(text())") }
  }

  /// Links pairs of sites.
  mutating func link(where isLinked: (Int, Int) -> Bool) {
    for (number, name) in names.enumerated() {
      links[name] = Set(names.indices.filter { $0 != number && isLinked(number, $0) }.map { names[$0] })
    }
  }

  mutating func reset() { (rounds, bytes) = (0, 0) }

  // MARK: What agents do

  /// One step of an agent. What it wants sent arrives in the next round.
  mutating func step(_ site: SiteName, _ decide: (inout Agent, Timestamp) throws -> [Effect]) throws {
    guard var agent = agents.removeValue(forKey: site) else { return }
    let effects = try decide(&agent, now)
    agents[site] = agent
    for case .push(let push) in effects {
      let reachable = links[site] ?? []
      for delivery in agent.deliveries(of: push, reachable: reachable, at: now)
      where reachable.contains(delivery.site.name) {
        let content: Exchange.Content =
          delivery.isOffer ? .offer(push.documents, delivery.errand) : .push(push.documents, delivery.errand)
        underWay.append(Exchange(from: site, to: delivery.site.name, content: content))
      }
    }
    try check(agent)
  }

  /// Each site compares with some that it reaches.
  mutating func compare(round: Int) {
    for name in names {
      guard let agent = agents[name], let reachable = links[name] else { continue }
      for partner in agent.comparisonPartners(among: reachable, round: round) {
        underWay.append(Exchange(from: name, to: partner, content: .compare))
      }
    }
  }

  /// Lets a round pass.
  mutating func run() throws {
    rounds += 1
    let due = underWay.shuffled(using: &random)
    underWay = []
    for exchange in due {
      if chance(repetitionPermille) { underWay.append(exchange) }
      let isLost = chance(lossPermille) || links[exchange.to]?.contains(exchange.from) != true
      if isLost { bytes += Self.size(of: exchange.content) } else { try carryOut(exchange) }
    }
  }

  private mutating func chance(_ permille: Int) -> Bool {
    permille > 0 && Int.random(in: 0..<1000, using: &random) < permille
  }

  private mutating func carryOut(_ exchange: Exchange) throws {
    bytes += Self.size(of: exchange.content)
    let (from, to) = (exchange.from, exchange.to)
    guard let directory = agents[to]?.directory, let own = agents[from]?.directory else { return }
    switch exchange.content {
    case .push(let documents, let errand):
      try step(to) { $0.receive(documents, from: from, errand: errand, at: $1).effects }
    case .offer(let documents, let errand):
      let hashes = documents.map { DocumentVersion.hash(of: $0, using: cryptography) }
      let asked = agents[to]?.wanted(hashes, from: from, at: now) ?? []
      let wanted = zip(documents, hashes).filter { asked.contains($0.1) }.map(\.0)
      bytes += 12 + 46 * wanted.count
      if !wanted.isEmpty {
        underWay.append(Exchange(from: from, to: to, content: .push(wanted, errand)))
      }
    case .compare:
      bytes += 16
      let buckets = directory.summary.differences(from: own.summary)
      guard !buckets.isEmpty else { return }
      bytes += directory.summary.description.utf8.count
      underWay.append(Exchange(from: from, to: to, content: .synchronize(buckets)))
    case .synchronize(let buckets):
      let (mine, theirs) = (own.digest(of: buckets), directory.digest(of: buckets))
      let lacking = directory.documents(missingFrom: mine, in: buckets)
      bytes += Self.size(of: mine) + Self.size(of: theirs) + Self.size(of: lacking)
      try step(from) { $0.receive(lacking, from: to, at: $1).effects }
      let missing = agents[from]?.directory.documents(missingFrom: theirs, in: buckets) ?? []
      if !missing.isEmpty { underWay.append(Exchange(from: from, to: to, content: .push(missing, nil))) }
    }
  }

  // MARK: Sizes of JSON bodies; HTTP's own heads come on top

  private static func size(of content: Exchange.Content) -> Int {
    switch content {
    case .push(let documents, let errand):
      size(of: documents) + size(of: ((errand?.push ?? []) + (errand?.offer ?? [])).map(\.description)) + 70
    case .offer(let documents, _): 12 + 46 * documents.count
    case .compare: 35
    case .synchronize(let buckets): 20 + 3 * buckets.count
    }
  }

  private static func size(of texts: some Sequence<String>) -> Int {
    texts.reduce(0) { $0 + $1.utf8.count + 3 }
  }

  private static func size(of digest: DirectoryDigest) -> Int {
    let entries = Array(digest.memberships) + Array(digest.descriptors)
    return 60 + entries.reduce(0) { $0 + $1.key.utf8.count + $1.value.description.utf8.count + 6 }
      + size(of: digest.revocations)
  }

  // MARK: What must be true

  /// After every step of a site.
  private func check(_ agent: Agent) throws {
    for name in revoked {
      guard let member = try? FakeSigner(name.description).publicKey,
        agent.directory.revoked[member] != nil
      else { continue }
      try require(
        agent.linkedSite(name, at: now) == nil, "\(agent.mesh.site) links \(name), which is revoked")
      try require(agent.directory.descriptor(of: member) == nil, "\(agent.mesh.site) keeps \(name)")
    }
  }

  /// How many sites know what another one knows.
  func agreeing(with reference: SiteName) -> Int {
    let summary = agents[reference]?.directory.summary
    return agents.values.count { $0.directory.summary == summary }
  }

  /// What the planes of a site are to be: nobody has another's address, and who is revoked has nothing.
  func checkPlanes(of site: SiteName) throws {
    guard let agent = agents[site] else { return }
    let desired = try agent.desiredState(at: now)
    let members = names.filter { $0 != site && !revoked.contains($0) }
    try require(
      Set(desired.trunk.peers.map(\.site)) == Set(members), "\(site): trunks are not those of members")
    try require(desired.tunnel.peers.count == members.count, "\(site): tunnel peers")
    let addresses = members.compactMap { agent.directory.memberships[$0]?.content.addresses[0] }
    try require(Set(desired.firewall.members) == Set(addresses), "\(site): firewall members")
    try require(
      Set(desired.tunnel.peers.flatMap(\.allowedIPs)) == Set(addresses.map(IPPrefix.init(host:))),
      "\(site): allowed addresses")
  }
}
