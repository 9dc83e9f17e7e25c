// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

@testable import PBXLinkCore

/// A mesh of agents in virtual time, over a network that loses, delays and partitions, on servers that crash
/// between any two effects. Everything follows from the seed.
struct World {
  enum Event {
    case deliver(Packet)
    case look(SiteName)
    case synchronize(SiteName)
    case join(SiteName)
    case restart(SiteName)
    case mischief
  }

  let seed: UInt64
  let cryptography = FakeCryptography()
  let head: SiteName
  var random: SplitMix64
  var now = SampleMesh.now
  var queue = EventQueue<Event>()
  var offices: [SiteName: Office] = [:]
  /// Chances of 1000 of what the network and the servers do.
  var lossPermille = 0
  var crashPermille = 0
  /// Whether mischief is over.
  var isCalm = false
  /// The offices on the other side of a partition.
  var isolated: Set<SiteName> = []
  /// Every document ever sent, for replays.
  var history: [String] = []
  /// The identities in each list of revocations ever signed.
  var lists: [String: Set<PublicKey>] = [:]
  /// Documents that were found good, so that each is looked at once.
  var verified: [String: Membership] = [:]
  /// How often each name was given to a new server.
  var lives: [SiteName: Int] = [:]

  init(seed: UInt64, name head: SiteName, configuration: Configuration) throws {
    self.seed = seed
    self.head = head
    random = SplitMix64(seed: seed)
    offices[head] = Office(
      keys: try .fake(head.description, authority: "authority"), configuration: configuration)
    guard let mesh = MeshName("acme"), let network = IPPrefix("10.77.0.0/16"), let office = offices[head]
    else {
      throw Violation("names")
    }
    let (agent, effects) = try Agent.found(
      mesh: mesh, site: head, network: network, localPrefixes: [], configuration: configuration,
      keys: office.keys, cryptography: cryptography, at: now)
    try keep(agent, effects, of: head)
    queue.schedule(.look(head), at: now + 10)
    queue.schedule(.synchronize(head), at: now + 30)
  }

  struct Violation: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
    guard condition else {
      throw Violation(
        "second \(now - SampleMesh.now): \(text()) (again: scripts/test simulation --seed \(seed))")
    }
  }

  mutating func chance(_ permille: Int) -> Bool { Int.random(in: 0..<1000, using: &random) < permille }

  /// Lets the time pass until a moment.
  mutating func run(until end: Timestamp) throws {
    while let (time, event) = queue.next() {
      guard time <= end else {
        queue.schedule(event, at: time)
        break
      }
      now = time
      try happen(event)
    }
    now = end
  }

  private mutating func happen(_ event: Event) throws {
    switch event {
    case .deliver(let packet): try deliver(packet)
    case .look(let site):
      queue.schedule(event, at: now + 10)
      try step(site) { agent, now in try agent.handle(.tick, at: now) }
      handshake(site)
    case .synchronize(let site):
      queue.schedule(event, at: now + 60)
      guard let agent = offices[site]?.agent else { return }
      let round = Int((now - SampleMesh.now) / 60)
      for peer in agent.comparisonPartners(among: reachable(from: site), round: round) {
        send(.compare(hash: agent.directory.summary.hash), from: site, to: peer)
      }
    case .join(let site): askToJoin(site)
    case .restart(let site): try restart(site)
    case .mischief: if !isCalm { try mischief() }
    }
  }

  // MARK: The owner of an agent

  /// One step of an agent: decide on a copy, then carry out the effects.
  mutating func step(
    _ site: SiteName, _ documents: [String] = [], _ decide: (inout Agent, Timestamp) throws -> [Effect]
  ) throws {
    guard var agent = offices[site]?.agent else { return }
    let effects = try decide(&agent, now + (offices[site]?.skew ?? 0))
    try keep(agent, effects, documents, of: site)
  }

  /// Carries out effects in order; a crash may come before any of them, and what was not saved is gone.
  mutating func keep(_ agent: Agent, _ effects: [Effect], _ documents: [String] = [], of site: SiteName)
    throws
  {
    for effect in effects {
      if crashPermille > 0, chance(crashPermille) { return crash(site) }
      switch effect {
      case .saveDocuments:
        offices[site]?.disk.mesh = agent.mesh
        offices[site]?.disk.documents = agent.directory.allDocuments()
        for document in documents { offices[site]?.revoked.formUnion(lists[document] ?? []) }
      case .saveInvitations: offices[site]?.disk.invitations = agent.invitations
      case .reconcile: offices[site]?.planes = try agent.desiredState(at: now)
      case .push(let push):
        history += push.documents
        for delivery in agent.deliveries(of: push, reachable: reachable(from: site), at: now) {
          let errand = delivery.errand
          send(
            delivery.isOffer ? .offer(push.documents, errand) : .push(push.documents, errand), from: site,
            to: delivery.site.name)
        }
      case .journal(let entry):
        try require(entry.kind != .siteForked, "\(site): \(entry.text)")
      case .hangUp, .saveKeyGenerations, .sendReceipts, .rotateKeys, .removeOldKeys: break
      case .askForDirect, .askForRelay: break
      }
    }
    offices[site]?.agent = agent
    if !effects.isEmpty { try check(site) }
  }

  mutating func crash(_ site: SiteName) {
    guard offices[site]?.isUp == true else { return }
    offices[site]?.agent = nil
    offices[site]?.isUp = false
    queue.schedule(.restart(site), at: now + Int64.random(in: 1...60, using: &random))
  }

  private mutating func restart(_ site: SiteName) throws {
    guard let office = offices[site] else { return }
    offices[site]?.isUp = true
    guard let mesh = office.disk.mesh else { return }
    let agent = try Agent(
      mesh: mesh, configuration: office.configuration, keys: office.keys, documents: office.disk.documents,
      invitations: office.disk.invitations, cryptography: cryptography)
    try require(agent.directory.allDocuments() == office.disk.documents, "\(site): the disk lost something")
    try keep(agent, [.reconcile], of: site)
  }

  // MARK: The network

  mutating func send(_ content: Packet.Content, from: SiteName, to: SiteName) {
    guard let agent = offices[from]?.agent, let address = agent.membership?.addresses.first else {
      return
    }
    send(Packet(from: from, to: to, key: agent.keys.tunnel.publicKey, source: address, content: content))
  }

  private mutating func send(_ packet: Packet) {
    guard !chance(lossPermille) else { return }
    queue.schedule(.deliver(packet), at: now + Int64.random(in: 0...3, using: &random))
    // A request whose answer was lost is made again.
    if chance(lossPermille / 4) {
      queue.schedule(.deliver(packet), at: now + Int64.random(in: 0...30, using: &random))
    }
  }

  /// The sites that were heard while WireGuard's keys are valid.
  private func reachable(from site: SiteName) -> Set<SiteName> {
    let heard = offices[site]?.heard ?? [:]
    return Set(heard.filter { now - $0.value <= 180 }.keys)
  }

  /// Keepalives between one site and its peers. A link that comes up compares directories.
  private mutating func handshake(_ site: SiteName) {
    guard let agent = offices[site]?.agent, let address = agent.membership?.addresses.first else { return }
    let before = reachable(from: site)
    for peer in agent.linkedSites(at: now).map(\.name) {
      let hash = agent.directory.summary.hash
      let packet = Packet(
        from: site, to: peer, key: agent.keys.tunnel.publicKey, source: address, content: .compare(hash: hash)
      )
      guard passes(packet), !chance(lossPermille) else { continue }
      offices[site]?.heard[peer] = now
      offices[peer]?.heard[site] = now
      if !before.contains(peer) { send(packet) }
    }
  }

  /// WireGuard's cryptokey routing: both ends must know each other, and the source must be allowed for the key.
  private func passes(_ packet: Packet) -> Bool {
    guard let from = offices[packet.from], let to = offices[packet.to], from.isUp, to.isUp,
      isolated.contains(packet.from) == isolated.contains(packet.to), from.isPublic || to.isPublic
    else { return false }
    let accepts = { (office: Office, key: PublicKey, address: IPAddress?) in
      office.planes?.tunnel.peers.contains { peer in
        peer.publicKey == key && address.map { peer.allowedIPs.contains(IPPrefix(host: $0)) } != false
      } == true
    }
    // An office that is just joining knows its inviter from the invitation.
    if packet.key == from.keys.tunnel.publicKey, !accepts(from, to.keys.tunnel.publicKey, nil) {
      return false
    }
    if case .admitted = packet.content { return true }
    return accepts(to, packet.key, packet.source)
  }

  private mutating func deliver(_ packet: Packet) throws {
    guard passes(packet), let office = offices[packet.to] else { return }
    if case .admitted(let answer) = packet.content { return try finishJoin(packet.to, answer) }
    guard let agent = office.agent else { return }
    if case .join(let request) = packet.content { return try redeem(request, packet) }
    let member = agent.site(at: packet.source, now: now)?.name
    let invited = agent.invitations.first { $0.tunnelAddress == packet.source && $0.redeemedBy != nil }?.site
    guard let sender = member ?? invited else { return }
    if member != nil {
      try step(packet.to) { agent, now in try agent.handle(.heard(sender), at: now) }
      if office.invitation?.inviter.site == sender { offices[packet.to]?.invitation = nil }
    }
    switch packet.content {
    case .push(let documents, let errand): try receive(documents, at: packet.to, from: sender, errand: errand)
    case .offer(let documents, let errand):
      let hashes = documents.map { DocumentVersion.hash(of: $0, using: cryptography) }
      let asked = offices[packet.to]?.agent?.wanted(hashes, from: sender, at: now) ?? []
      let wanted = zip(documents, hashes).filter { asked.contains($0.1) }.map(\.0)
      if !wanted.isEmpty { send(.wanted(wanted, errand), from: packet.to, to: packet.from) }
    case .wanted(let documents, let errand): send(.push(documents, errand), from: packet.to, to: packet.from)
    case .compare(let hash):
      guard let summary = offices[packet.to]?.agent?.directory.summary, summary.hash != hash else { return }
      send(.summary(summary), from: packet.to, to: packet.from)
    case .summary(let summary):
      guard let directory = offices[packet.to]?.agent?.directory else { return }
      let buckets = directory.summary.differences(from: summary)
      send(.digest(directory.digest(of: buckets), buckets), from: packet.to, to: packet.from)
    case .digest(let digest, let buckets):
      guard let directory = offices[packet.to]?.agent?.directory else { return }
      send(
        .difference(
          directory.digest(of: buckets), directory.documents(missingFrom: digest, in: buckets), buckets),
        from: packet.to, to: packet.from)
    case .difference(let digest, let documents, let buckets):
      try receive(documents, at: packet.to, from: sender)
      guard
        let missing = offices[packet.to]?.agent?.directory.documents(missingFrom: digest, in: buckets),
        !missing.isEmpty
      else { return }
      send(.push(missing, nil), from: packet.to, to: packet.from)
    case .join, .admitted: break
    }
  }

  mutating func receive(
    _ documents: [String], at site: SiteName, from sender: SiteName?, errand: Errand? = nil
  ) throws {
    guard !documents.isEmpty else { return }
    try step(site, documents) { agent, now in
      agent.receive(documents, from: sender, errand: errand, at: now).effects
    }
  }

  // MARK: Joining

  private mutating func askToJoin(_ site: SiteName) {
    guard let office = offices[site], let invitation = office.invitation else { return }
    queue.schedule(.join(site), at: now + 15)
    guard office.isUp else { return }
    let request = JoinRequest(
      secret: Base64URL.encode(invitation.secret.exposedBytes), identity: office.keys.identity.publicKey)
    sendByInvitation(.join(request), invitation, from: site)
  }

  private mutating func sendByInvitation(
    _ content: Packet.Content, _ invitation: Invitation, from site: SiteName
  ) {
    guard let key = try? FakeSigner("throw-away of \(throwAwayName(site))").publicKey else { return }
    send(
      Packet(
        from: site, to: invitation.inviter.site, key: key, source: invitation.tunnel.address, content: content
      ))
  }

  func throwAwayName(_ site: SiteName) -> String { "\(site) \(lives[site] ?? 0)" }

  private mutating func redeem(_ request: JoinRequest, _ packet: Packet) throws {
    do {
      var answer: JoinAnswer?
      try step(packet.to) { agent, now in
        let redeemed = try agent.redeem(request, from: packet.source, at: now)
        answer = redeemed.answer
        return redeemed.effects
      }
      guard let answer, offices[packet.to]?.agent != nil else { return }
      send(
        Packet(
          from: packet.to, to: packet.from, key: packet.key, source: packet.source, content: .admitted(answer)
        ))
    } catch is AgentError {  // withdrawn or expired
    } catch is AdmissionError {  // revoked meanwhile
    }
  }

  private mutating func finishJoin(_ site: SiteName, _ answer: JoinAnswer) throws {
    guard let office = offices[site], let invitation = office.invitation else { return }
    if office.agent == nil {
      let (agent, effects) = try Agent.join(
        invitation, answer: answer, configuration: office.configuration, keys: office.keys,
        cryptography: cryptography, at: now)
      try keep(agent, effects, answer.documents, of: site)
      queue.schedule(.look(site), at: now + 10)
      queue.schedule(.synchronize(site), at: now + Int64.random(in: 1...60, using: &random))
    } else {
      try receive(answer.documents, at: site, from: invitation.inviter.site)
    }
    guard let agent = offices[site]?.agent else { return }
    sendByInvitation(.push(agent.directory.allDocuments(), nil), invitation, from: site)
  }
}
