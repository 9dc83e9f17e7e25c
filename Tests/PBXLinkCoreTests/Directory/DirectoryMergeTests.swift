// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Directory merge")
struct DirectoryMergeTests {
  let mesh: SampleMesh

  init() throws { mesh = try SampleMesh() }

  private func directory(of documents: some Sequence<String>) throws -> Directory {
    var directory = Directory(mesh: mesh.identity)
    for document in documents { _ = try directory.merge(document, using: mesh.cryptography) }
    return directory
  }

  /// Documents of a few sites, with forks, re-admissions, renamed sites, stale and repeated ones.
  private func randomDocuments(using random: inout SplitMix64) throws -> [String] {
    let sites = ["lyon", "oslo", "rome"]
    var memberships: [(Membership, String)] = []
    var documents: [String] = []
    for _ in 0..<8 {
      let site = sites.randomElement(using: &random) ?? "lyon"
      let identity = site + ["", "2"][Int.random(in: 0...1, using: &random)]
      let membership = try mesh.membership(
        site, number: UInt8.random(in: 2...5, using: &random), identity: identity,
        serial: UInt64.random(in: 1...3, using: &random))
      memberships.append((membership, identity))
      documents.append(try mesh.sign(membership))
    }
    for (membership, identity) in memberships {
      for _ in 0..<2 {
        var descriptor = try mesh.descriptor(
          of: membership, serial: UInt64.random(in: 1...3, using: &random))
        descriptor.trunk.callLimit = Int.random(in: 1...3, using: &random)
        documents.append(try mesh.sign(descriptor, by: identity))
      }
    }
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      let out = ["lyon", "lyon2", "oslo"].filter { _ in Bool.random(using: &random) }
      let serial = UInt64.random(in: 1...3, using: &random)
      documents.append(try mesh.sign(mesh.revocations(out, serial: serial)))
    }
    return documents
  }

  @Test("order and repetition of documents do not matter", arguments: UInt64(0)..<50)
  func order(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let documents = try randomDocuments(using: &random)
    let reference = try directory(of: documents)
    for _ in 0..<5 {
      let repeated = documents + documents.filter { _ in Bool.random(using: &random) }
      #expect(try directory(of: repeated.shuffled(using: &random)) == reference)
    }
  }

  @Test("merging what another directory holds is merging what it was given", arguments: UInt64(0)..<50)
  func associativity(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let documents = try randomDocuments(using: &random).shuffled(using: &random)
    let cuts = [0, 9, 17, documents.count]
    let parts = zip(cuts, cuts.dropFirst()).map { documents[$0..<$1] }
    let (first, second, third) = (
      try directory(of: parts[0]), try directory(of: parts[1]), try directory(of: parts[2])
    )
    let join = { (left: Directory, right: Directory) throws in
      try directory(of: left.allDocuments() + right.allDocuments())
    }
    let all = try directory(of: documents)
    #expect(try join(join(first, second), third) == all)
    #expect(try join(first, join(second, third)) == all)
    #expect(try join(third, join(second, first)) == all)
    #expect(try join(all, all) == all)
  }

  @Test("two directories that exchange what their digests lack become equal", arguments: UInt64(0)..<50)
  func antiEntropy(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let documents = try randomDocuments(using: &random)
    var left = try directory(of: documents.filter { _ in Bool.random(using: &random) })
    var right = try directory(of: documents.filter { _ in Bool.random(using: &random) })
    let both = try directory(of: left.allDocuments() + right.allDocuments())
    for document in left.documents(missingFrom: right.digest()) {
      _ = try right.merge(document, using: mesh.cryptography)
    }
    for document in right.documents(missingFrom: left.digest()) {
      _ = try left.merge(document, using: mesh.cryptography)
    }
    #expect(left == both)
    #expect(right == both)
    #expect(left.summary == right.summary)
    #expect(left.documents(missingFrom: right.digest()).isEmpty)
    #expect(left.digest() == right.digest())
  }

  @Test(
    "a summary is that of the documents held, and tells where two directories differ",
    arguments: UInt64(0)..<50)
  func summaries(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let documents = try randomDocuments(using: &random)
    let left = try directory(of: documents.filter { _ in Bool.random(using: &random) })
    let right = try directory(of: documents.filter { _ in Bool.random(using: &random) })
    var summary = DirectorySummary()
    for record in left.records { summary.toggle(record) }
    let kept =
      left.memberships.values.map(\.text) + left.descriptors.values.map(\.text) + left.revocations.map(\.text)
    #expect(Set(left.allDocuments()) == Set(kept) && left.records.count == kept.count)
    #expect(left.summary == summary)
    #expect(left.records.allSatisfy { left.holds($0.version.hash) })
    #expect(DirectorySummary(summary.description) == summary)
    #expect((left.summary.hash == right.summary.hash) == (left.allDocuments() == right.allDocuments()))
    let buckets = left.summary.differences(from: right.summary)
    #expect(
      left.documents(missingFrom: right.digest(of: buckets), in: buckets)
        == left.documents(missingFrom: right.digest()))
  }

  @Test("changes are told once; what is known or older is none")
  func changes() throws {
    var directory = Directory(mesh: mesh.identity)
    let first = try mesh.membership("lyon", number: 2)
    let site = first.site
    let old = try mesh.sign(mesh.descriptor(of: first), by: "lyon")
    #expect(
      try directory.merge(old, using: mesh.cryptography)
        == [.membership(site), .descriptor(site, identity: first.identity)])
    #expect(try directory.merge(old, using: mesh.cryptography) == [])
    let (serial, previous) = directory.nextDescriptor(of: first.identity)
    let next = try mesh.descriptor(of: first, serial: serial, previous: previous)
    #expect(
      try directory.merge(mesh.sign(next, by: "lyon"), using: mesh.cryptography)
        == [.descriptor(site, identity: first.identity)])
    #expect(try directory.merge(old, using: mesh.cryptography) == [], "a replay rolls nothing back")
    #expect(directory.descriptor(of: first.identity)?.content == next)
    #expect(directory.membership(of: first.identity)?.content == first)
    #expect(directory.nextMembershipSerial(of: site) == 2)
    #expect(directory.nextDescriptor(of: first.identity).serial == 3)
  }

  @Test("a fork is told, and every site keeps the same side of it")
  func forks() throws {
    let membership = try mesh.membership("lyon", number: 2)
    var documents: [String] = []
    for limit in [4, 5] {
      var descriptor = try mesh.descriptor(of: membership)
      descriptor.trunk.callLimit = limit
      documents.append(try mesh.sign(descriptor, by: "lyon"))
    }
    let versions = documents.map { DocumentVersion(serial: 1, text: $0, using: mesh.cryptography) }
    let fork = DirectoryChange.forked(.descriptor, subject: "site 'lyon'", versions[0], versions[1])
    var directory = try directory(of: [documents[0]])
    #expect(try directory.merge(documents[1], using: mesh.cryptography).first == fork)
    #expect(versions.allSatisfy { fork.description.contains($0.hash) })
    #expect(try self.directory(of: documents.reversed()) == directory)
    var successor = try mesh.descriptor(of: membership, serial: 2)
    successor.previous = Base64URL.encode(mesh.cryptography.sha256([1]))
    let stray = try mesh.sign(successor, by: "lyon")
    #expect(
      try directory.merge(stray, using: mesh.cryptography).first
        == .forked(
          .descriptor, subject: "site 'lyon'", try #require(versions.max()),
          DocumentVersion(serial: 2, text: stray, using: mesh.cryptography)))
  }

  @Test("a revoked identity loses its descriptor and cannot come back, whatever it or an old list says")
  func revocation() throws {
    let membership = try mesh.membership("lyon", number: 2)
    let descriptor = try mesh.sign(mesh.descriptor(of: membership), by: "lyon")
    let list = try mesh.revocations(["lyon"], serial: 2)
    var directory = try directory(of: [descriptor])
    #expect(
      try directory.merge(mesh.sign(list), using: mesh.cryptography) == list.revoked.map { .revoked($0) })
    #expect(directory.revokedIdentities == [membership.identity])
    let later = try mesh.sign(mesh.descriptor(of: membership, serial: 9), by: "lyon")
    #expect(try directory.merge(later, using: mesh.cryptography) == [])
    _ = try directory.merge(mesh.sign(mesh.revocations([], serial: 3)), using: mesh.cryptography)
    #expect(directory.revokedIdentities == [membership.identity])
    #expect(directory.descriptors.isEmpty)
    #expect(directory.sites(at: SampleMesh.now).isEmpty)
    #expect(directory.nextMembershipSerial(of: membership.site) == 2)
    let new = try mesh.membership("lyon", number: 2, identity: "lyon2", serial: 2)
    #expect(try directory.merge(mesh.sign(new), using: mesh.cryptography) == [.membership(new.site)])
    #expect(directory.sites(at: SampleMesh.now).map(\.identity) == [new.identity])
  }

  @Test("only lists that a newer one repeats are dropped")
  func revocationLists() throws {
    let lists = try [(["lyon"], 1), (["lyon", "oslo"], 2), (["rome", "oslo"], 3)].map { names, serial in
      try mesh.sign(mesh.revocations(names, serial: UInt64(serial)))
    }
    let directory = try directory(of: lists)
    #expect(directory.allDocuments() == [lists[2], lists[1]])
    #expect(directory.revokedIdentities.count == 3)
    let reasons = ["lyon", "oslo", "rome"].map { name in
      directory.revoked.values.first { $0.site.description == name }?.reason
    }
    #expect(reasons == ["list 2", "list 3", "list 3"], "the newest list that names a site says why")
  }

  @Test("thousands of revocations never stop the next one")
  func manyRevocations() throws {
    var directory = Directory(mesh: mesh.identity)
    for number in 0..<300 {
      let entry = Revocations.Entry(
        identity: try FakeSigner("site \(number)").publicKey, site: try #require(SiteName("site-\(number)")),
        at: SampleMesh.now, reason: String(repeating: "é", count: 200))
      let list = try mesh.sign(directory.nextRevocations(adding: entry))
      #expect(try directory.merge(list, using: mesh.cryptography) == [.revoked(entry)])
    }
    #expect(directory.revokedIdentities.count == 300)
    #expect(directory.revocations.count > 1)
  }

  @Test("a refused document changes nothing")
  func refusals() throws {
    let membership = try mesh.membership("lyon", number: 2)
    let good = try mesh.sign(mesh.descriptor(of: membership), by: "lyon")
    let foreign = try SampleMesh(authority: "mallory")
    let sister = try SampleMesh(name: "other")
    var greedy = try mesh.descriptor(of: membership, serial: 2)
    greedy.extensions = [try #require(ExtensionPattern("3XX"))]
    let refused = [
      "", "not a document", good + "A", String(good.dropLast()), good.replacing(".", with: " "),
      String(repeating: "A", count: 20_000),
      try mesh.sign(mesh.descriptor(of: membership, serial: 2), by: "mallory"),
      try foreign.sign(foreign.membership("oslo", number: 3)),
      try foreign.sign(foreign.revocations(["lyon"], serial: 9)),
      try sister.sign(sister.membership("oslo", number: 3)),
      try sister.sign(sister.revocations(["lyon"], serial: 9)),
      try mesh.sign(membership, by: "lyon"),
      try mesh.sign(mesh.revocations([], serial: 9), by: "lyon"),
      try mesh.sign(greedy, by: "lyon"),
      try mesh.sign(mesh.invitation()),
      try mesh.sign(json: "not JSON", kind: .revocations, by: mesh.authority),
    ]
    var directory = try directory(of: [good])
    let before = directory
    for document in refused {
      #expect(throws: DocumentError.self, "\(document.prefix(60))") {
        try directory.merge(document, using: mesh.cryptography)
      }
      #expect(directory == before)
    }
  }

  @Test("a digest survives JSON and is small")
  func digestCoding() throws {
    let directory = try directory(of: [
      mesh.sign(mesh.descriptor(of: mesh.membership("lyon", number: 2)), by: "lyon"),
      mesh.sign(mesh.revocations(["oslo"], serial: 1)),
    ])
    let version = try #require(directory.digest().memberships["lyon"])
    #expect(DocumentVersion(version.description) == version)
    #expect(DocumentVersion("1.AAAA") == nil)
    #expect(directory.digest().descriptors.count == 1 && directory.digest().revocations.count == 1)
  }
}
