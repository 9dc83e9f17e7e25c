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
    return SyncAnswer(
      digest: agent.directory.digest(), documents: agent.directory.documents(missingFrom: request.digest),
      receipt: agent.site(at: address, now: Self.clock()).map { agent.receipt(for: $0.identity) },
      time: Self.clock())
  }

  /// What comes along with digests.
  private func note(_ receipt: Receipt?, _ time: Timestamp?, from site: SiteName) throws {
    let events = [receipt.map { Agent.Event.receipt($0, from: site) }, time.map { .clock($0, of: site) }]
    for event in events.compactMap(\.self) {
      try step { agent, now in ((), try agent.handle(event, at: now)) }
    }
  }

  func exchangeDocuments(_ push: DocumentsPush, from address: IPAddress) async throws -> DocumentsAnswer {
    let name = try heard(address)
    let (receipt, done) = try step { agent, now in
      let (receipt, effects) = agent.receive(push.documents, from: name, at: now)
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

  /// Sends documents to all linked sites at once; one that does not answer gets them by the next sync.
  func push(_ documents: [String], except: SiteName?) async {
    guard let agent, !isDown else { return }
    let sites = agent.linkedSites(at: Self.clock()).filter { $0.name != except }
    await withTaskGroup { group in
      for site in sites {
        guard let client = client(of: site) else { continue }
        group.addTask {
          do {
            let answer = try await client.push(documents)
            for reason in answer.refused.prefix(3).map({ $0.prefix(200) }) {
              self.logger.warning("'\(site.name)' refused a document: \(reason)")
            }
          } catch {
            self.logger.notice("push: \(error)")
          }
        }
      }
    }
  }

  /// Compares directories with a peer; each side ends with the newer documents of both. Says whether it answered.
  func synchronize(with site: Site) async -> Bool {
    guard let client = client(of: site), let agent else { return false }
    do {
      let answer = try await client.sync(
        SyncRequest(
          digest: agent.directory.digest(), receipt: agent.receipt(for: site.identity), time: Self.clock()))
      try note(answer.receipt, answer.time, from: site.name)
      if !answer.documents.isEmpty {
        try step { agent, now in
          ((), try agent.handle(.documents(answer.documents, from: site.name), at: now))
        }
      }
      if try member().restoredFrom != nil {
        try step { agent, now in ((), try agent.handle(.compared(with: site.name), at: now)) }
      }
      let missing = try member().directory.documents(missingFrom: answer.digest)
      if !missing.isEmpty { _ = try await client.push(missing) }
      return true
    } catch {
      logger.notice("sync: \(error)")
      return false
    }
  }
}
