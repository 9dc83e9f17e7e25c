// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine: ExchangeDelegate {
  /// The member behind a tunnel address, or a site that is just redeeming its invitation.
  private func sender(at address: IPAddress) throws -> SiteName {
    let agent = try member()
    if let site = agent.site(at: address, now: Self.clock()) { return site.name }
    let redeemed = agent.invitations.filter { $0.redeemedBy != nil }
    if let invited = redeemed.first(where: { $0.throwAwayAddresses.contains(address) }) {
      return invited.site
    }
    throw Failure("\(address) is not the tunnel address of a member", .noPermission)
  }

  /// Members speak from their own address: their invitation has done its work.
  func heard(_ address: IPAddress) throws -> SiteName {
    let name = try sender(at: address)
    if try member().site(at: address, now: Self.clock()) != nil {
      try step { agent, now in ((), try agent.handle(.heard(name), at: now)) }
    }
    return name
  }

  func exchangeSync(_ request: SyncRequest, from address: IPAddress) async throws -> SyncAnswer {
    let name = try heard(address)
    try note(request.receipt, request.time, from: name)
    let agent = try member()
    let missing = agent.directory.documents(missingFrom: request.digest, in: request.buckets)
    // Whose digest never matches would be sent everything each time.
    try await exchangeAdmit(bytes: missing.byteCount, from: address)
    return SyncAnswer(
      digest: agent.directory.digest(of: request.buckets), documents: missing,
      receipt: receipt(for: address, of: agent), time: Self.clock())
  }

  private func receipt(for address: IPAddress, of agent: Agent) -> Receipt? {
    agent.site(at: address, now: Self.clock()).map { agent.receipt(for: $0.identity) }
  }

  /// What comes along with digests.
  private func note(_ receipt: Receipt?, _ time: Timestamp?, from site: SiteName) throws {
    let events = [receipt.map { Agent.Event.receipt($0, from: site) }, time.map { .clock($0, of: site) }]
    for event in events.compactMap(\.self) {
      try step { agent, now in ((), try agent.handle(event, at: now)) }
    }
  }

  func exchangeAdmit(bytes: Int, from address: IPAddress) async throws {
    guard agent?.admits(bytes: bytes, from: address, at: Self.clock()) != false else {
      throw Failure("too many bytes for \(address) in a short time; try again later", .temporaryFailure)
    }
  }

  func exchangeCutOff(_ address: IPAddress) async {
    guard let name = try? sender(at: address) else { return }
    do {
      try step { agent, now in ((), agent.noteCutOff(name, at: now)) }
    } catch {
      logger.error("exchange: \(error)")
    }
  }

  func exchangeCompare(_ request: CompareRequest, from address: IPAddress) async throws -> CompareAnswer {
    let name = try heard(address)
    try note(request.receipt, request.time, from: name)
    let agent = try member()
    let summary = agent.directory.summary
    return CompareAnswer(
      summary: summary.hash == request.hash ? nil : summary, receipt: receipt(for: address, of: agent),
      time: Self.clock())
  }

  func exchangeOffer(_ request: OfferRequest, from address: IPAddress) async throws -> OfferAnswer {
    let name = try heard(address)
    return OfferAnswer(
      wanted: try step { agent, now in (agent.wanted(request.hashes, from: name, at: now), []) }.result)
  }

  func exchangeDocuments(_ push: DocumentsPush, from address: IPAddress) async throws -> DocumentsAnswer {
    let name = try heard(address)
    let (receipt, done) = try step { agent, now in
      let (receipt, effects) = agent.receive(push.documents, from: name, errand: push.errand, at: now)
      return (receipt, effects)
    }
    if try member().site(at: address, now: Self.clock()) == nil {
      // It is joining, and changes to its own key when it has the answer: a handshake that came before we know
      // the key would be lost, and the next one is 5 s later (WireGuard's REKEY_TIMEOUT).
      await wait(for: done, atMost: .seconds(5))
    }
    return DocumentsAnswer(accepted: receipt.accepted, refused: receipt.refused)
  }

  private func wait(for task: Task<[String], Never>, atMost limit: Duration) async {
    // A stream, since waiting for a task's value cannot be cancelled.
    let (ended, end) = AsyncStream.makeStream(of: Void.self)
    Task {
      _ = await task.value
      end.finish()
    }
    let late = Failure("not done in \(limit)", .temporaryFailure)
    try? await withTimeLimit(limit, late: late) { for await _ in ended {} }
  }

  func exchangeJoin(_ request: JoinRequest, from address: IPAddress) async throws -> JoinAnswer {
    try step { agent, now in
      let (answer, effects) = try agent.redeem(request, from: address, at: now)
      return (answer, effects)
    }.result
  }

  func client(of site: Site, timeout: Int64 = 15) -> ExchangeClient? {
    guard let address = site.membership.addresses.first else { return nil }
    return ExchangeClient(
      address: address, port: configuration.exchangePort, name: site.name.description, timeout: timeout)
  }

  /// How many sites are talked to at once: enough that some out of reach do not hold up the others.
  private static let conversations = 64
  /// Comparisons under way at once. A site that comes back to a thousand others learns from the first what it then
  /// need not hear from all.
  private static let comparisons = 4

  /// Sends documents to the sites whose turn it is; one that does not answer gets them by a comparison later.
  func push(_ push: Push) async {
    guard let agent, !isDown else { return }
    let now = Self.clock()
    let hashes = push.documents.map { DocumentVersion.hash(of: $0, using: cryptography) }
    let deliveries = agent.deliveries(of: push, reachable: agent.linksUp, at: now)
    await forEach(deliveries, atOnce: Self.conversations) { delivery in
      await self.deliver(delivery, push.documents, hashes)
    }
  }

  private func deliver(_ delivery: Delivery, _ documents: [String], _ hashes: [String]) async {
    guard let client = client(of: delivery.site) else { return }
    do {
      var missing = documents
      if delivery.isOffer {
        let wanted = Set(try await client.offer(hashes))
        missing = zip(documents, hashes).filter { wanted.contains($0.1) }.map(\.0)
      }
      guard !missing.isEmpty else { return }
      let answer = try await client.push(missing, errand: delivery.errand)
      for reason in answer.refused.prefix(3).map({ $0.prefix(200) }) {
        logger.warning("'\(delivery.site.name)' refused a document: \(reason)")
      }
    } catch {
      logger.notice("push: \(error)")
    }
  }

  /// Compares directories with sites, a few at once.
  func synchronize(with sites: [Site]) async {
    await forEach(sites, atOnce: Self.comparisons) { _ = await self.synchronize(with: $0) }
  }

  /// Compares directories with a peer; each side ends with the newer documents of both. Says whether it answered.
  func synchronize(with site: Site) async -> Bool {
    guard let client = client(of: site), let agent else { return false }
    do {
      let comparison = try await client.compare(
        CompareRequest(
          hash: agent.directory.summary.hash, receipt: agent.receipt(for: site.identity), time: Self.clock()))
      try note(comparison?.receipt, comparison?.time, from: site.name)
      let current = try member()
      let buckets = comparison.map { $0.summary.map(current.directory.summary.differences) ?? [] }
      if let buckets, buckets.isEmpty {
        try noteComparison(with: site)
        return true
      }
      let answer = try await client.sync(
        SyncRequest(
          digest: current.directory.digest(of: buckets), buckets: buckets,
          receipt: current.receipt(for: site.identity), time: Self.clock()))
      try note(answer.receipt, answer.time, from: site.name)
      if !answer.documents.isEmpty {
        try step { agent, now in
          ((), try agent.handle(.documents(answer.documents, from: site.name), at: now))
        }
      }
      try noteComparison(with: site)
      let missing = try member().directory.documents(missingFrom: answer.digest, in: buckets)
      if let address = site.membership.addresses.first, !missing.isEmpty {
        try await exchangeAdmit(bytes: missing.byteCount, from: address)
        _ = try await client.push(missing)
      }
      return true
    } catch {
      logger.notice("sync: \(error)")
      return false
    }
  }
}

extension Engine {
  /// A restored site has learned what came after its backup.
  private func noteComparison(with site: Site) throws {
    guard try member().restoredFrom != nil else { return }
    try endRestore(by: .compared(with: site.name))
  }

  /// Lets a restored site sign again, with keys that it has and that were never in use before.
  func endRestore(by event: Agent.Event) throws {
    let generations = try member().generationsAfterRestore
    let keys = try generations.map { try keyFiles.createAgentKeys(authority: false, $0) }
    try step { agent, now in
      var effects: [Effect] = []
      if let generations, let keys { effects += agent.replaceKeys(with: keys, generations, at: now) }
      return ((), effects + (try agent.handle(event, at: now)))
    }
  }
}

extension [String] {
  /// How many bytes these documents have.
  fileprivate var byteCount: Int { reduce(0) { $0 + $1.utf8.count } }
}
