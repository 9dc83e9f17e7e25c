// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Receipts of revocations")
struct RevocationProgressTests {
  let offices = Offices()
  let now = Offices.now

  @Test("a site that has applied a revocation is told apart from one that has not said so, after minutes too")
  func progress() throws {
    var (head, _) = try offices.head()
    var lyon = try offices.join("lyon", ["3XX"], to: &head)
    let nice = try offices.join("nice", ["4XX"], to: &head)
    let oslo = try offices.join("oslo", ["5XX"], to: &head)
    let effects = try head.remove(nice.mesh.site, reason: "", at: now)
    func progress() throws -> RevocationProgress { try #require(head.revocationProgress(at: now).first) }
    #expect(try progress().applied.isEmpty && progress().waiting == [lyon.mesh.site, oslo.mesh.site])

    _ = lyon.receive(head.directory.allDocuments(), from: nil, at: now)
    // Known is not applied.
    _ = try head.handle(.receipt(lyon.receipt(for: head.identity), from: lyon.mesh.site), at: now)
    #expect(try progress().applied.isEmpty)
    let told = try lyon.handle(.applied(lyon.directory, trunkGenerations: [1]), at: now)
    #expect(
      told.contains {
        if case .sendReceipts(let sites) = $0 { sites.contains(head.mesh.site) } else { false }
      })
    _ = try head.handle(.receipt(lyon.receipt(for: head.identity), from: lyon.mesh.site), at: now)
    #expect(try progress().applied == [lyon.mesh.site] && progress().waiting == [oslo.mesh.site])
    #expect(try !progress().isOverdue(at: now + RevocationProgress.patience))
    #expect(try progress().isOverdue(at: now + RevocationProgress.patience + 1))
    #expect(!effects.isEmpty)

    // A later list repeats the entry: who has applied that has applied both.
    _ = try head.remove(oslo.mesh.site, reason: "", at: now + 1)
    _ = lyon.receive(head.directory.allDocuments(), from: nil, at: now)
    _ = try lyon.handle(.applied(lyon.directory, trunkGenerations: [1]), at: now)
    _ = try head.handle(.receipt(lyon.receipt(for: head.identity), from: lyon.mesh.site), at: now)
    #expect(head.revocationProgress(at: now).allSatisfy { $0.waiting.isEmpty })
  }

  @Test("a receipt of a stranger or a revoked site is not kept, and a long one is cut")
  func hostile() throws {
    var (head, _) = try offices.head()
    let lyon = try offices.join("lyon", ["3XX"], to: &head)
    _ = try head.handle(
      .receipt(Receipt(revocations: ["x"], descriptor: nil), from: offices.site("nobody")), at: now)
    #expect(head.receipts.isEmpty)
    let long = Receipt(revocations: (0..<1000).map(String.init), descriptor: nil)
    _ = try head.handle(.receipt(long, from: lyon.mesh.site), at: now)
    #expect(head.receipts[lyon.identity]?.revocations.isEmpty == true)
  }
}
