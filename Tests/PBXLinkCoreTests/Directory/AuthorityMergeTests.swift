// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Authorities of a directory")
struct AuthorityMergeTests {
  let mesh: SampleMesh
  let now = SampleMesh.now

  init() throws { mesh = try SampleMesh() }

  private func names(_ directory: Directory) -> [String] { directory.members.map(\.site.description) }

  private func sign(_ membership: Membership, by authority: String) throws -> String {
    try mesh.sign(membership, by: authority)
  }

  @Test("after a succession only the new authority's documents count, in whatever order the old ones come")
  func newAuthority() throws {
    let lyon = try mesh.membership("lyon", number: 2)
    var renewed = lyon
    renewed.serial = 2
    let old = try [
      mesh.sign(lyon), mesh.sign(mesh.membership("evil", number: 6, serial: 99)),
      mesh.sign(mesh.revocations(["lyon"], serial: 7)),
    ]
    let new = try [
      mesh.charter(), mesh.succession(to: "new", memberships: 1), sign(renewed, by: "new"),
    ]
    for documents in [old + new, new + old] {
      let directory = try mesh.directory(mesh.pinned, of: documents)
      #expect(try directory.authority == FakeSigner("new").publicKey)
      #expect(directory.isComplete)
      #expect(names(directory) == ["lyon"])
      #expect(directory.revoked.isEmpty)
    }
  }

  @Test("a descriptor under a former authority's membership serves until the site has written another")
  func descriptors() throws {
    let lyon = try mesh.membership("lyon", number: 2)
    var renewed = lyon
    renewed.serial = 2
    let descriptor = try mesh.sign(mesh.descriptor(of: lyon), by: "lyon")
    let succession = try mesh.succession(to: "new", memberships: 1)
    for documents in try [
      [descriptor, succession, sign(renewed, by: "new")], [succession, sign(renewed, by: "new"), descriptor],
    ] {
      let site = try #require(mesh.directory(mesh.pinned, of: documents).sites(at: now).first)
      #expect(site.membership == renewed && site.descriptor != nil && site.conflict == nil)
    }
    // Who came in under the new authority knows the former one by its charter alone.
    let newcomer = MeshIdentity(name: mesh.identity.name, authority: try FakeSigner("new").publicKey)
    let charter = try mesh.charter(of: "new", recovery: "recovery of new", former: ["authority"])
    let directory = try mesh.directory(newcomer, of: [charter, sign(renewed, by: "new"), descriptor])
    #expect(directory.sites(at: now).map { $0.descriptor != nil } == [true])
    #expect(throws: DocumentError.self) {
      var directory = Directory(mesh: newcomer)
      _ = try directory.merge(descriptor, using: mesh.cryptography)
    }
  }

  @Test("a succession is believed only by a recovery key that the former authority has named")
  func signers() throws {
    let good = try mesh.succession(to: "new", charter: mesh.charter())
    #expect(try mesh.directory(mesh.identity, of: [good]).authority == FakeSigner("new").publicKey)
    let bad = try [
      mesh.succession(to: "new"), mesh.succession(to: "new", by: "authority"),
      mesh.succession(to: "new", by: "mallory", charter: mesh.charter()),
      mesh.succession(to: "new", charter: mesh.charter(by: "mallory")),
      mesh.succession(to: "new", charter: mesh.charter(of: "other", by: "authority")),
      mesh.succession(from: "stranger", to: "new", charter: mesh.charter(of: "stranger")),
      SampleMesh(name: "other").succession(to: "new", charter: mesh.charter()),
      good.replacing("eyJ", with: "eyK"),
    ]
    for document in bad {
      var directory = Directory(mesh: mesh.identity)
      #expect(throws: DocumentError.self) { try directory.merge(document, using: mesh.cryptography) }
      #expect(directory == Directory(mesh: mesh.identity))
    }
    var directory = try mesh.directory(mesh.identity, of: [good])
    #expect(throws: DocumentError.self, "no authority comes back") {
      try directory.merge(
        mesh.succession(from: "new", to: "authority", by: "recovery of new"), using: mesh.cryptography)
    }
  }

  @Test(
    "a thief of the authority key cannot have it followed by a key of his, before or after the succession")
  func stolenAuthority() throws {
    let rightful = try mesh.succession(to: "new", charter: mesh.charter())
    let replaced = try mesh.charter(recovery: "thief", serial: 2)
    let theft = try mesh.succession(to: "stolen", by: "thief", charter: replaced, isConsented: true)
    let backdated = try mesh.succession(
      to: "stolen", by: "thief", charter: mesh.charter(recovery: "thief", serial: 1), isConsented: true)
    for documents in [[rightful, theft], [theft, rightful], [replaced, rightful]] {
      #expect(try mesh.directory(mesh.identity, of: documents).authority == FakeSigner("new").publicKey)
      #expect(
        try mesh.directory(mesh.pinned, of: documents + [backdated]).authority
          == FakeSigner("new").publicKey)
    }
  }

  @Test("an exposed recovery key loses against one with the former authority's consent")
  func exposedRecoveryKey() throws {
    let theft = try mesh.succession(to: "stolen")
    let rightful = try mesh.succession(to: "new", isConsented: true)
    for documents in [[theft, rightful], [rightful, theft]] {
      #expect(try mesh.directory(mesh.pinned, of: documents).authority == FakeSigner("new").publicKey)
    }
    let forged = Succession(
      mesh: mesh.identity.name, serial: 2, former: mesh.authority.publicKey,
      authority: try FakeSigner("stolen").publicKey, recovery: try FakeSigner("x").publicKey, memberships: 0,
      revoked: 0, charter: nil, consent: try mesh.charter(of: "stolen", recovery: "x", by: "mallory"))
    var directory = Directory(mesh: try mesh.pinned)
    #expect(throws: DocumentError.self) {
      try directory.merge(mesh.sign(forged, by: "recovery"), using: mesh.cryptography)
    }
  }

  @Test("two successions by one recovery key are a fork that is told, and every site takes the same one")
  func fork() throws {
    let both = try [mesh.succession(to: "one"), mesh.succession(to: "two")]
    let reference = try mesh.directory(mesh.pinned, of: both)
    #expect(try mesh.directory(mesh.pinned, of: both.reversed()) == reference)
    var directory = Directory(mesh: try mesh.pinned)
    _ = try directory.merge(both[0], using: mesh.cryptography)
    let versions = both.map { DocumentVersion(serial: 2, text: $0, using: mesh.cryptography) }
    let fork = DirectoryChange.forked(.succession, subject: "the authority", versions[0], versions[1])
    #expect(try directory.merge(both[1], using: mesh.cryptography).first == fork)
  }

  @Test("the oldest and the newest charter of the authority are kept")
  func charters() throws {
    let documents = try [3, 1, 2].map { try mesh.charter(recovery: "recovery \($0)", serial: $0) }
    let directory = try mesh.directory(mesh.identity, of: documents)
    #expect(directory.allDocuments() == [documents[1], documents[0]])
    #expect(try directory.recoveryKey == FakeSigner("recovery 1").publicKey)
    #expect(
      try directory.chain.recoveryKeys
        == [FakeSigner("recovery 1").publicKey, FakeSigner("recovery 3").publicKey])
  }

  /// A mesh's life in documents: sites of several authorities, successions and their forks, inviters.
  private func randomDocuments(using random: inout SplitMix64) throws -> [String] {
    let inviters = [
      try mesh.inviter("paris", number: 8, extensions: ["2XX", "3XX"]),
      try mesh.inviter("lyon", number: 7, extensions: ["2XX", "4XX"], notBefore: now + 1),
    ]
    let chain = [("authority", "one"), ("authority", "two"), ("one", "three"), ("two", "three")]
    var documents = try [mesh.charter(), mesh.charter(recovery: "second", serial: 2)]
    for (former, authority) in chain where Bool.random(using: &random) {
      let recovery = former == "authority" ? "recovery" : "recovery of \(former)"
      documents.append(try mesh.succession(from: former, to: authority, by: recovery))
    }
    for authority in ["authority", "one", "two", "three"] {
      let signed = try SampleMesh(authority: authority)
      documents += try inviters.map { try signed.sign($0) }
      for _ in 0..<4 {
        let site = ["oslo", "rome", "nice"].randomElement(using: &random) ?? "oslo"
        let number = UInt8.random(in: 2...5, using: &random)
        let identity = site + ["", "2"][Int.random(in: 0...1, using: &random)]
        let serial = UInt64.random(in: 1...3, using: &random)
        let membership = try signed.membership(site, number: number, identity: identity, serial: serial)
        documents.append(try signed.sign(membership))
        documents.append(try signed.sign(signed.descriptor(of: membership), by: identity))
        let inviter = inviters[Int.random(in: 0...1, using: &random)]
        let pattern = Bool.random(using: &random) ? "2XX" : "25X"
        documents.append(
          try signed.admitted(site, by: inviter, number: number, identity: identity, serial: serial) {
            $0.extensions = [try #require(ExtensionPattern(pattern))]
          })
      }
      documents.append(try signed.sign(signed.revocations(["oslo2"], serial: 1)))
    }
    return documents
  }

  @Test("order and repetition do not matter, with successions, forks and inviters", arguments: UInt64(0)..<50)
  func order(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let documents = try randomDocuments(using: &random)
    let root = try Bool.random(using: &random) ? mesh.pinned : mesh.identity
    let reference = try mesh.directory(root, of: documents)
    for _ in 0..<5 {
      let repeated = documents + documents.filter { _ in Bool.random(using: &random) }
      let other = try mesh.directory(root, of: repeated.shuffled(using: &random))
      #expect(other.allDocuments() == reference.allDocuments())
      #expect(names(other) == names(reference))
    }
  }

  @Test("two directories under different authorities that exchange become equal", arguments: UInt64(0)..<50)
  func antiEntropy(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let documents = try randomDocuments(using: &random)
    var sides = try (0..<2).map { _ in
      try mesh.directory(mesh.pinned, of: documents.filter { _ in Bool.random(using: &random) })
    }
    // The side that loses a fork learns of it first and is sent the rest then.
    for _ in 0..<3 {
      let digests = sides.map { $0.digest() }
      let sent = [sides[1].documents(missingFrom: digests[0]), sides[0].documents(missingFrom: digests[1])]
      for index in 0..<2 {
        for document in Directory.inOrderOfTrust(sent[index]) {
          _ = try? sides[index].merge(document, using: mesh.cryptography)
        }
      }
    }
    #expect(sides[0].digest() == sides[1].digest())
    #expect(sides[0].allDocuments() == sides[1].allDocuments())
    #expect(sides[0].documents(missingFrom: sides[1].digest()) == [])
  }

  @Test("an inviter's site is a member, within what is delegated and as long as it is")
  func delegation() throws {
    let paris = try mesh.inviter("paris", number: 8, extensions: ["5XX"])
    let depot = try mesh.admitted("depot", by: paris, number: 5)
    let directory = try mesh.directory(mesh.identity, of: [depot])
    #expect(names(directory) == ["depot", "paris"], "the inviter's membership comes along")
    #expect(
      directory.signer(of: try #require(directory.records.first { $0.subject == "depot" })) == paris.identity)
    var narrowed = paris
    narrowed.serial = 2
    narrowed.delegation = nil
    #expect(try names(mesh.directory(mesh.identity, of: [depot, mesh.sign(narrowed)])) == ["paris"])
    let revoked = try mesh.sign(mesh.revocations(["paris"], serial: 1))
    #expect(try names(mesh.directory(mesh.identity, of: [depot, revoked])).isEmpty)
    var confirmed = try mesh.membership("depot", number: 5, serial: 2)
    confirmed.admittedBy = paris.site
    let both = try mesh.directory(mesh.identity, of: [mesh.sign(confirmed), depot, revoked])
    #expect(names(both) == ["depot"])
  }

  @Test("a rogue inviter gets nothing signed beyond its delegation")
  func rogueInviter() throws {
    let paris = try mesh.inviter("paris", number: 8, extensions: ["5XX"])
    var plain = try mesh.membership("rome", number: 6)
    plain.roles = [.inviter]
    let bad = try [
      mesh.admitted("depot", by: paris, number: 5) { $0.roles = [.relay] },
      mesh.admitted("depot", by: paris, number: 5) { $0.delegation = paris.delegation },
      mesh.admitted("depot", by: paris, number: 6),
      mesh.admitted("depot", by: paris, number: 5) { $0.addresses = [try #require(IPAddress("8.8.8.8"))] },
      mesh.admitted("depot", by: paris, number: 5) { $0.admittedBy = nil },
      mesh.admitted("depot", by: paris, number: 5) { $0.inviter = try mesh.sign(plain) },
      mesh.admitted("depot", by: paris, number: 5) { $0.inviter = try mesh.sign(paris, by: "paris") },
      mesh.admitted("depot", by: paris, number: 5, identity: "paris"),
      mesh.admitted("depot", by: plain, number: 6),
    ]
    for document in bad {
      var directory = Directory(mesh: mesh.identity)
      #expect(throws: DocumentError.self) { try directory.merge(document, using: mesh.cryptography) }
      #expect(directory == Directory(mesh: mesh.identity))
    }
  }

  @Test("a rogue inviter puts out nobody whom the authority or an earlier inviter has admitted")
  func displacement() throws {
    let paris = try mesh.inviter("paris", number: 8, extensions: ["3XX", "5XX"])
    let later = try mesh.inviter("lyon", number: 7, extensions: ["3XX", "5XX"], notBefore: now + 1)
    let victim = try mesh.membership("nice", number: 3, notBefore: now + 10)
    let good = try [mesh.sign(victim), mesh.admitted("depot", by: paris, number: 5)]
    let hostile = try [
      // The name, the address with the extensions, and the identity of a site that the authority admitted.
      mesh.admitted("nice", by: paris, number: 5, identity: "evil", serial: 1 << 50),
      mesh.admitted("copy", by: paris, number: 3, identity: "evil") { $0.notBefore = now + -100 },
      mesh.admitted("twin", by: paris, number: 5, identity: "nice") { $0.notBefore = now + -100 },
      // The same of a site that an earlier inviter admitted.
      mesh.admitted("depot", by: later, number: 5, identity: "evil", serial: 1 << 50),
      mesh.admitted("copy", by: later, number: 5, identity: "evil") { $0.notBefore = now + -100 },
    ]
    for documents in [good + hostile, hostile + good] {
      let directory = try mesh.directory(mesh.identity, of: documents)
      let linked = directory.sites(at: now).filter { $0.conflict == nil }
      let identities = Dictionary(uniqueKeysWithValues: linked.map { ($0.name.description, $0.identity) })
      #expect(identities["nice"] == victim.identity)
      #expect(try identities["depot"] == FakeSigner("depot").publicKey)
      #expect(identities["copy"] == nil && identities["twin"] == nil)
      #expect(directory.membership(of: victim.identity)?.content == victim)
    }
  }
}
