// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import CLinux
import Glibc
import PBXLinkCore
import PBXLinkSystem
import Testing

@Suite("Key files")
final class KeyFilesTests {
  let parent: String
  let directory: String

  init() throws {
    var template = Array("/tmp/pbxlink-keys.XXXXXX".utf8CString)
    _ = try #require(mkdtemp(&template))
    parent = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    directory = parent + "/keys"
  }

  deinit {
    if let stream = opendir(directory) {
      while let entry = readdir(stream) {
        unlink(directory + "/" + withUnsafePointer(to: &entry.pointee.d_name.0) { String(cString: $0) })
      }
      closedir(stream)
    }
    unlink(directory)
    rmdir(directory)
    rmdir(parent)
  }

  private func mode(of path: String) -> UInt32 {
    var status = clinux_status()
    return clinux_stat(path, &status) == 0 ? status.mode & 0o7777 : 0
  }

  private func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o600) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    try #require(fchmod(descriptor, mode) == 0)
    try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
  }

  @Test("a key comes back as it was put, in a file and directory for its owner alone")
  func roundTrip() throws {
    let files = try KeyFiles(directory: directory)
    let key = try RandomBytes.secret(32)
    try files.create("identity", key)
    #expect(try KeyFiles(directory: directory).load("identity") == key)
    #expect(mode(of: directory) == 0o700)
    #expect(mode(of: directory + "/identity") == 0o600)
    #expect(access(directory + "/identity.new", F_OK) != 0, "the draft is gone")
    #expect(try files.load("other") == nil)
  }

  @Test("a key is never overwritten")
  func noOverwriting() throws {
    let files = try KeyFiles(directory: directory)
    let key = try RandomBytes.secret(32)
    try files.create("identity", key)
    #expect(throws: KeyFileError.exists(path: directory + "/identity")) {
      try files.create("identity", RandomBytes.secret(32))
    }
    #expect(try files.load("identity") == key)
    #expect(try files.loadOrCreate("identity") { try RandomBytes.secret(32) } == key)
  }

  @Test("what a crash left of a key that nobody was told about does not stand in the way")
  func leftDraft() throws {
    let files = try KeyFiles(directory: directory)
    try write([1, 2, 3], to: directory + "/identity.new")
    let key = try RandomBytes.secret(32)
    try files.create("identity", key)
    #expect(try files.load("identity") == key)
  }

  @Test(
    "files that others may read or write are refused with the remedy",
    arguments: [0o640, 0o604, 0o620, 0o677])
  func looseFile(_ mode: UInt32) throws {
    let files = try KeyFiles(directory: directory)
    try files.create("identity", RandomBytes.secret(32))
    chmod(directory + "/identity", mode)
    let error = try #require(throws: KeyFileError.self) { try files.load("identity") }
    #expect(error == .looseMode(path: directory + "/identity", mode: mode, remedy: "600"))
    #expect(error.description.contains("chmod 600 \(directory)/identity"))
  }

  @Test("a directory that others may enter is refused", arguments: [0o755, 0o710])
  func looseDirectory(_ mode: UInt32) throws {
    mkdir(directory, 0o700)
    chmod(directory, mode)
    #expect(throws: KeyFileError.looseMode(path: directory, mode: mode, remedy: "700")) {
      try KeyFiles(directory: directory)
    }
  }

  @Test("a file of another length is refused and named", arguments: [0, 31, 33])
  func wrongLength(_ count: Int) throws {
    let files = try KeyFiles(directory: directory)
    try write(Array(repeating: 7, count: count), to: directory + "/identity")
    #expect(throws: KeyFileError.wrongLength(path: directory + "/identity", found: count, expected: 32)) {
      try files.load("identity")
    }
  }

  @Test("links, directories and foreign names are no key files")
  func wrongTypes() throws {
    let files = try KeyFiles(directory: directory)
    try write(Array(repeating: 7, count: 32), to: directory + "/real")
    symlink(directory + "/real", directory + "/link")
    #expect(throws: KeyFileError.system(call: "open", path: directory + "/link", code: ELOOP)) {
      try files.load("link")
    }
    #expect(throws: KeyFileError.wrongType(path: directory + "/pipe")) {
      mkfifo(directory + "/pipe", 0o600)
      _ = try files.load("pipe")
    }
    for name in ["", "../identity", "a/b", "A", "."] {
      #expect(throws: KeyFileError.badName(name)) { try files.load(name) }
    }
  }

  @Test("where the directory cannot be made, the error names it")
  func noDirectory() throws {
    let path = parent + "/missing/keys"
    #expect(throws: KeyFileError.system(call: "mkdir", path: path, code: ENOENT)) {
      try KeyFiles(directory: path)
    }
    try write([], to: directory)
    #expect(throws: KeyFileError.system(call: "open", path: directory, code: ENOTDIR)) {
      try KeyFiles(directory: directory)
    }
  }

  @Test("of many that create the same key at once, one wins and all load it")
  func race() async throws {
    let files = try KeyFiles(directory: directory)
    let keys = try (0..<8).map { _ in try RandomBytes.secret(32) }
    let winners = await withTaskGroup(of: Secret?.self) { group in
      for key in keys {
        group.addTask { @concurrent in (try? files.create("identity", key)) == nil ? nil : key }
      }
      return await group.reduce(into: []) { winners, key in winners += key.map { [$0] } ?? [] }
    }
    #expect(winners.count == 1)
    #expect(try files.load("identity") == winners.first)
  }

  @Test("a site's keys are made once, load again, and are all named when one is missing")
  func agentKeys() throws {
    let files = try KeyFiles(directory: directory)
    #expect(throws: KeyFileError.self) { try files.loadAgentKeys(KeyGenerations()) }
    let made = try files.createAgentKeys(authority: true)
    let again = try files.createAgentKeys(authority: true)
    let loaded = try files.loadAgentKeys(KeyGenerations())
    for keys in [again, loaded] {
      #expect(keys.identity.publicKey == made.identity.publicKey)
      #expect(keys.authority?.publicKey == made.authority?.publicKey)
      #expect(
        keys.tunnel.privateKey == made.tunnel.privateKey && keys.tunnel.publicKey == made.tunnel.publicKey)
      #expect(keys.trunk.map(\.publicKey) == made.trunk.map(\.publicKey))
      #expect(keys.manager == made.manager)
    }
    #expect(made.trunk.map(\.generation) == [1])
    #expect(made.authority != nil)
    try files.create("trunk-2", RandomBytes.secret(32))
    #expect(try files.loadAgentKeys(KeyGenerations()).trunk.map(\.generation) == [1])
    unlink(directory + "/manager")
    #expect(throws: KeyFileError.missing(path: directory + "/manager")) {
      try files.loadAgentKeys(KeyGenerations())
    }
    try files.erase()
    #expect(access(directory, F_OK) != 0)
  }

  @Test("a site that is not the authority has no authority key")
  func withoutAuthority() throws {
    #expect(try KeyFiles(directory: directory).createAgentKeys(authority: false).authority == nil)
  }
}
