// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import GRDB
import PBXLinkCore
import Synchronization
import Testing

@testable import PBXLinkSystem

@Suite("Backup and restore")
final class BackupTests {
  private let directory = FileManager.default.temporaryDirectory.appending(
    path: "backup-\(UUID().uuidString)")
  private let passphrase = Passphrase("correct horse battery")
  private var state: String { directory.path + "/state" }
  private var siteFile: String { directory.path + "/etc/pbxlink.yaml" }
  private var file: String { directory.path + "/paris.pbxlink" }

  init() throws {
    try FileManager.default.createDirectory(
      at: directory.appending(path: "etc"), withIntermediateDirectories: true)
    try write("numbers:\n  extensions: [2XX]\npaths:\n  state: \(state)\n  runtime: \(directory.path)/run\n")
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  private func write(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: siteFile)) }

  private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  private func names(_ suffix: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path + suffix).sorted()
  }

  /// A mesh of this one site, as 'init' leaves it, with an open invitation.
  private func found() throws -> Agent {
    let cryptography = OpenSSLCryptography()
    let now = Engine.clock()
    var configuration = try SiteFile.read(siteFile)
    configuration.tunnel.endpoints = [try #require(Endpoint("203.0.113.5:51820"))]
    let store = try Store(directory: state)
    let files = try KeyFiles(directory: state + "/keys")
    var agent = try Agent.found(
      mesh: #require(MeshName("acme")), site: #require(SiteName("paris")),
      network: #require(IPPrefix("10.77.0.0/16")), localPrefixes: [], configuration: configuration,
      keys: files.createAgentKeys(authority: true), cryptography: cryptography, at: now
    ).agent
    let key = try X25519PrivateKey.generate()
    _ = try agent.invite(
      #require(SiteName("lyon")), extensions: [], roles: [], lifetime: 3600,
      entropy: InvitationEntropy(
        secret: RandomBytes.secret(16), tunnelPrivate: key.rawSecret, tunnelPublic: key.publicKey,
        certificate: OpenVPNCertificate(key.rawSecret).fingerprint), at: now)
    try store.commit(
      [
        .setMeta(.mesh, agent.mesh), .setMeta(.invitations, agent.invitations),
        .replaceDocuments(agent.directory.allDocuments()),
      ], at: now)
    return agent
  }

  private func backup() throws -> Backup {
    try Backup(siteFile: siteFile).write(to: file, replacing: false) { passphrase }
    return try Backup(file: file, passphrase: passphrase)
  }

  @Test("what was there is there again, all keys of whatever name, and the state knows that it was restored")
  func roundTrip() throws {
    let agent = try found()
    try KeyFiles(directory: state + "/keys").create("trunk-9", RandomBytes.secret(32))
    let keys = try KeyFiles(directory: state + "/keys").all()
    let backup = try backup()
    #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
    #expect(backup.manifest.site == "paris" && backup.manifest.holdsAuthority && backup.manifest.hasSiteFile)
    #expect(backup.manifest.descriptorSerial == 1)
    #expect(backup.manifest.keys == keys.keys.sorted())
    let text = try Data(contentsOf: URL(filePath: siteFile))
    try FileManager.default.removeItem(atPath: state)
    try FileManager.default.removeItem(atPath: directory.path + "/etc")

    let restored = try backup.restore(siteFile: siteFile, force: false)
    #expect(restored.formerState == nil)
    #expect(try Data(contentsOf: URL(filePath: siteFile)) == text)
    #expect(try KeyFiles(directory: state + "/keys").all() == keys)
    let again = try Backup.site(of: SiteFile.read(siteFile))
    #expect(again.directory == agent.directory)
    #expect(again.restoredFrom?.description == backup.manifest.time)
    #expect(again.invitations.isEmpty)
    let store = try Store(directory: state)
    try store.commit([.setMeta(.restoredFrom, Timestamp?.none)], at: Engine.clock())
    try store.closeDatabase()
    #expect(try Backup.site(of: SiteFile.read(siteFile)).restoredFrom == nil)
    #expect(try names() == ["etc", "paris.pbxlink", "state"])
  }

  @Test("a state that is there stays there, or beside with --force; what an idle agent leaves does not count")
  func occupied() throws {
    _ = try found()
    let backup = try backup()
    let before = try Data(contentsOf: URL(filePath: state + "/keys/identity"))
    let refusal = #expect(throws: Failure.self) { try backup.restore(siteFile: siteFile, force: false) }
    #expect(refusal?.exitCode == .cannotCreate)
    #expect(try Backup.site(of: SiteFile.read(siteFile)).restoredFrom == nil)
    let former = try #require(try backup.restore(siteFile: siteFile, force: true).formerState)
    #expect(former.hasPrefix(state + ".before-"))
    #expect(try Data(contentsOf: URL(filePath: former + "/keys/identity")) == before)
    #expect(try Backup.site(of: SiteFile.read(siteFile)).restoredFrom != nil)

    try FileManager.default.removeItem(atPath: state)
    try Store(directory: state).closeDatabase()
    _ = try KeyFiles(directory: state + "/keys")
    #expect(try backup.restore(siteFile: siteFile, force: false).formerState == nil)
    #expect(
      try names().filter { $0.hasPrefix("state") } == ["state", URL(filePath: former).lastPathComponent])
  }

  @Test("a site file that differs stays as it is, and the backup's lies beside it")
  func siteFiles() throws {
    _ = try found()
    let backup = try backup()
    let old = try Data(contentsOf: URL(filePath: siteFile))
    try FileManager.default.removeItem(atPath: state)
    try write(String(decoding: old, as: UTF8.self) + "trunk:\n  call_limit: 9\n")
    let messages = try backup.restore(siteFile: siteFile, force: false).messages
    #expect(messages.count == 1 && messages[0].contains(siteFile + ".from-backup"))
    #expect(try Data(contentsOf: URL(filePath: siteFile + ".from-backup")) == old)
    #expect(try SiteFile.read(siteFile).trunk.callLimit == 9)
  }

  @Test("a backup with a store or a content from a newer version changes nothing")
  func newer() throws {
    _ = try found()
    let store = try DatabaseQueue(path: state + "/state.sqlite")
    try store.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('of the future')") }
    try store.close()
    let backup = try backup()
    try FileManager.default.removeItem(atPath: state)
    let error = #expect(throws: StoreError.self) { try backup.restore(siteFile: siteFile, force: false) }
    guard case .newer = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try names() == ["etc", "paris.pbxlink"])

    let content = Array(#"{"format": 2, "manifest": "of another kind"}"#.utf8)
    try PrivateFile.write(
      SealedFile.seal(content, as: .backup, with: passphrase), to: file, replacing: true)
    #expect(throws: SealedFileError.newer(path: file)) {
      try Backup(file: file, passphrase: passphrase)
    }
  }

  @Test("a state that lacks one of its keys is not backed up")
  func lackingKey() throws {
    _ = try found()
    try FileManager.default.removeItem(atPath: state + "/keys/tunnel")
    #expect(throws: Failure.self) { try Backup(siteFile: siteFile) }
    #expect(!exists(file))
  }

  @Test("a file is replaced only on demand, and the pass phrase is not asked for in vain")
  func existing() throws {
    _ = try found()
    try Data("mine".utf8).write(to: URL(filePath: file))
    let backup = try Backup(siteFile: siteFile)
    #expect(throws: SealedFileError.exists(path: file)) {
      try backup.write(to: file, replacing: false) {
        Issue.record("asked")
        return passphrase
      }
    }
    #expect(try Data(contentsOf: URL(filePath: file)) == Data("mine".utf8))
    try backup.write(to: file, replacing: true) { passphrase }
    #expect(try names() == ["etc", "paris.pbxlink", "state"])
  }

  @Test("a store that is being written to is copied as it was between two steps")
  func consistency() throws {
    let store = try Store(directory: state)
    let now = Engine.clock()
    let isOver = Mutex(false)
    let writer = Thread {
      for round in 0..<100_000 where !isOver.withLock({ $0 }) {
        try? store.commit([.replaceDocuments((0..<20).map { "\(round) \($0)" })], at: now)
      }
    }
    defer { isOver.withLock { $0 = true } }
    writer.start()
    var rounds: Set<Substring> = []
    while rounds.count < 3 {
      let copy = directory.path + "/copy.sqlite"
      try PrivateFile.write(Array(Store.snapshot(of: state + "/state.sqlite")), to: copy, replacing: true)
      let documents = try StoredSite.load(copy).documents
      let steps = Set(documents.compactMap { $0.split(separator: " ").first })
      #expect(documents.count == 20 && steps.count == 1 || documents.isEmpty)
      rounds.formUnion(steps)
    }
  }

  @Test("the authority key travels in a file, which is read back")
  func authorityFile() throws {
    let agent = try found()
    let key = try AuthorityFile(siteFile: siteFile)
    try key.write(to: file, replacing: false) { passphrase }
    let read = try AuthorityFile(file: file, passphrase: passphrase)
    #expect(read.authority == agent.mesh.identity.authority.description)
    #expect(try read.key.key.map { try Ed25519PrivateKey($0).publicKey } == agent.mesh.identity.authority)
    #expect("\(read.key)" == "<secret>")
    #expect(throws: SealedFileError.self) { try Backup(file: file, passphrase: passphrase) }
    try KeyFiles(directory: state + "/keys").remove("authority")
    let refusal = #expect(throws: AgentError.self) { try AuthorityFile(siteFile: siteFile) }
    #expect(refusal == .notAuthority(verb: "authority export"))
  }

  @Test("a pass phrase is the first line of a file, and a new one is not short")
  func passphrases() throws {
    let path = directory.path + "/passphrase"
    try Data("four random words\nsecond line\n".utf8).write(to: URL(filePath: path))
    #expect(try Passphrase.read(from: path, isNew: true).secret == Passphrase("four random words").secret)
    try Data("short\r\n".utf8).write(to: URL(filePath: path))
    #expect(throws: SealedFileError.passphraseTooShort) { try Passphrase.read(from: path, isNew: true) }
    #expect(try Passphrase.read(from: path, isNew: false).secret == Passphrase("short").secret)
    try Data().write(to: URL(filePath: path))
    #expect(throws: SealedFileError.self) { try Passphrase.read(from: path, isNew: false) }
  }
}
