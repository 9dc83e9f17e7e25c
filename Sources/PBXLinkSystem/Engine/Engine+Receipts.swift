// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine {
  /// The planes are as this agent wanted them.
  func noteApplied(_ applied: Agent) {
    do {
      try step { agent, now in
        let generations = applied.keys.trunk.map(\.generation)
        return ((), try agent.handle(.applied(applied.directory, trunkGenerations: generations), at: now))
      }
    } catch {
      logger.error("receipts: \(error)")
    }
  }

  /// Tells sites what has been applied here; one that does not answer hears of it by the next sync.
  func sendReceipts(to names: Set<SiteName>) async {
    guard let agent, !isDown else { return }
    await withTaskGroup { group in
      for site in agent.linkedSites(at: Self.clock()) where names.contains(site.name) {
        guard let client = client(of: site) else { continue }
        group.addTask {
          do {
            try await client.send(agent.receipt(for: site.identity))
          } catch {
            self.logger.debug("receipt: \(error)")
          }
        }
      }
    }
  }

  func exchangeReceipt(_ receipt: Receipt, from address: IPAddress) async throws -> ReceiptAnswer {
    let name = try heard(address)
    try step { agent, now in ((), try agent.handle(.receipt(receipt, from: name), at: now)) }
    Task { await handOverIfDue() }
    return ReceiptAnswer()
  }
}
