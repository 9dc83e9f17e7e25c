// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Dispatch
import FoundationEssentials
import GRDB
import Glibc
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@_silgen_name("unshare") private func unshare(_ flags: Int32) -> Int32

@Suite("Store")
struct StoreTests {
  private let now = Timestamp(seconds: 1_800_000_000)

  @Test("what is committed is there after opening again, and only the owner can read it")
  func reopen() throws {
    try withDirectory { directory in
      let store = try Store(directory: directory)
      #expect(try store.load().documents == [])
      let missing: String? = try store.load().meta(.mesh)
      #expect(missing == nil)
      try store.commit(
        [
          .replaceDocuments(["a", "b"]), try .setMeta(.mesh, "first"),
          .appendEvent(.init(.meshCreated, "made")),
        ],
        at: now)
      try store.commit([.replaceDocuments(["b", "c"]), try .setMeta(.mesh, "second")], at: now)
      for suffix in ["", "-wal", "-shm"] {
        #expect(try mode("\(directory)/state.sqlite\(suffix)") == 0o600)
      }
      #expect(try mode(directory) == 0o700)
      let state = try Store(directory: directory).load()
      #expect(state.documents == ["b", "c"])
      let mesh: String? = try state.meta(.mesh)
      #expect(mesh == "second")
      try store.commit([.replaceDocuments([])], at: now)
      #expect(try store.load().documents == [], "an empty update means empty")
    }
  }

  @Test("the journal is given in parts: the last ones, since a moment, of a site, of kinds, after a number")
  func events() throws {
    try withDirectory { directory in
      let store = try Store(directory: directory)
      let lyon = try #require(SiteName("lyon"))
      let entries = [
        JournalEntry(.meshCreated, "0"), JournalEntry(.linkUp, site: lyon, "1"),
        JournalEntry(.planApplied, "2"), JournalEntry(.linkDown, site: lyon, "3"),
        JournalEntry(.linkUp, site: SiteName("oslo"), "4"),
      ]
      for (offset, entry) in entries.enumerated() {
        try store.commit([.appendEvent(entry)], at: now + Int64(offset))
      }
      func texts(_ change: (inout EventQuery) -> Void) throws -> String {
        var query = EventQuery()
        change(&query)
        return try store.events(query).map(\.text).joined()
      }
      #expect(try texts { _ in } == "01234")
      #expect(try texts { $0.limit = 2 } == "34")
      #expect(try texts { $0.since = (now + 2).seconds } == "234")
      #expect(try texts { $0.site = lyon } == "13")
      #expect(try texts { $0.kinds = [.meshCreated, .linkUp] } == "014")
      #expect(try texts { $0.after = 3 } == "34")
      #expect(
        try texts {
          $0.kinds = [.linkUp]; $0.site = lyon; $0.limit = -1
        } == "1")
      let states = try store.lastLinkStates()
      #expect(states[lyon]?.kind == .linkDown && states[lyon]?.time == now + 3 && states.count == 2)
    }
  }

  @Test("a value that does not decode is an error, not an absent value")
  func unreadableValue() throws {
    try withDirectory { directory in
      let store = try Store(directory: directory)
      try store.commit([try .setMeta(.highestTime, "text")], at: now)
      let state = try store.load()
      let error = #expect(throws: StoreError.self) {
        let _: Timestamp? = try state.meta(.highestTime)
      }
      guard case .unreadableValue = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  enum Damage: CaseIterable { case empty, truncated, text, zeroedPages, header }

  @Test("a damaged file is refused and left as it is", arguments: Damage.allCases)
  func damaged(damage: Damage) throws {
    try withDirectory { directory in
      let path = directory + "/state.sqlite"
      let store = try Store(directory: directory)
      try store.commit([.replaceDocuments((0..<200).map { "document \($0)" })], at: now)
      try store.queue.close()
      var bytes = try Data(contentsOf: URL(filePath: path))
      switch damage {
      case .empty: bytes = Data()
      case .truncated: bytes = bytes.prefix(bytes.count / 2)
      case .text: bytes = Data("this is not a database, and it is longer than a header is".utf8)
      case .zeroedPages: bytes.replaceSubrange(4096..., with: Data(count: bytes.count - 4096))
      case .header: bytes.replaceSubrange(0..<16, with: Data(count: 16))
      }
      try bytes.write(to: URL(filePath: path))
      for _ in 0..<2 {
        let error = #expect(throws: StoreError.self) { try Store(directory: directory) }
        guard case .damaged(path, _) = error else {
          Issue.record("\(String(describing: error))")
          return
        }
        #expect(error?.description.contains("backup") == true)
        #expect(try Data(contentsOf: URL(filePath: path)) == bytes)
      }
    }
  }

  @Test(
    "a file of a newer pbxlink is refused and left as it is, also one whose log a crash has left",
    arguments: [false, true])
  func newer(hasLog: Bool) throws {
    try withDirectory { directory in
      let store = try Store(directory: directory)
      try store.queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('from the future')") }
      let copy = directory + "/copy"
      if hasLog {
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        for suffix in ["", "-wal"] {
          try FileManager.default.copyItem(
            atPath: store.path + suffix, toPath: "\(copy)/state.sqlite\(suffix)")
        }
      }
      try store.queue.close()
      let place = hasLog ? copy : directory
      func bytes() throws -> [Data] {
        try (hasLog ? ["", "-wal"] : [""]).map {
          try Data(contentsOf: URL(filePath: "\(place)/state.sqlite\($0)"))
        }
      }
      let before = try bytes()
      for _ in 0..<2 {
        #expect(throws: StoreError.newer(path: place + "/state.sqlite")) { try Store(directory: place) }
      }
      #expect(try bytes() == before)
    }
  }

  @Test("a place where nothing can be written is named")
  func notWritable() throws {
    let error = #expect(throws: StoreError.self) { try Store(directory: "/sys/pbxlink") }
    guard case .noPermission("/sys/pbxlink/state.sqlite", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test("a store that is being written by another process is reported, not waited for without end")
  func inUse() throws {
    try withDirectory { directory in
      let first = try Store(directory: directory)
      let second = try Store(directory: directory)
      try first.queue.inTransaction(.immediate) { _ in
        #expect(throws: StoreError.inUse(path: second.path)) {
          try second.commit([.replaceDocuments(["a"])], at: now)
        }
        return .rollback
      }
      try second.commit([.replaceDocuments(["a"])], at: now)
    }
  }

  @Test(
    "a step cut off by a full disk leaves the state before it",
    .enabled(if: getuid() == 0, "needs root to mount a tmpfs"))
  func diskFull() async throws {
    await #expect(processExitsWith: .success) {
      let directory = FileManager.default.temporaryDirectory.appending(path: "pbxlink-full-\(getpid())").path
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      // unshare --mount; mount --make-rprivate /; mount -t tmpfs -o size=256k
      guard unshare(0x0002_0000) == 0, mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0,
        mount("none", directory, "tmpfs", 0, "size=256k,mode=0700") == 0
      else { fatalError("no mount: \(errno)") }
      let store = try Store(directory: directory)
      let now = Timestamp(seconds: 1)
      try store.commit([.replaceDocuments(["before"]), try .setMeta(.mesh, "before")], at: now)
      let large = String(repeating: "x", count: 300_000)
      #expect(throws: StoreError.full(path: store.path)) {
        try store.commit([try .setMeta(.mesh, "after"), .replaceDocuments([large])], at: now)
      }
      for store in [store, try Store(directory: directory)] {
        let mesh: String? = try store.load().meta(.mesh)
        #expect(mesh == "before")
        #expect(try store.load().documents == ["before"])
      }
      try store.commit([.replaceDocuments(["small"])], at: now)
      #expect(try store.load().documents == ["small"])
      umount2(directory, Int32(MNT_DETACH))
      rmdir(directory)
    }
  }

  @Test("kill -9 while it is being made leaves one that can be opened", arguments: 0..<60)
  func killedAtBirth(seed: UInt64) async throws {
    let directory = FileManager.default.temporaryDirectory.appending(
      path: "pbxlink-birth-\(getpid())-\(seed)"
    )
    .path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [directory = directory as String, seed = seed as UInt64] in
      DispatchQueue.global().async {
        usleep(2_000 + UInt32(seed) * 200)
        kill(getpid(), SIGKILL)
      }
      _ = try Store(directory: directory)
      sleep(10)
    }
    #expect(try Store(directory: directory).load().documents.isEmpty)
  }

  @Test("kill -9 at any instant leaves whole steps only", arguments: 0..<8)
  func killed(seed: UInt64) async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "pbxlink-kill-\(getpid())-\(seed)")
      .path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [directory = directory as String, seed = seed as UInt64] in
      var random = SplitMix64(seed: seed)
      let fuse = UInt32.random(in: 0..<60_000, using: &random)
      DispatchQueue.global().async {
        usleep(fuse)
        kill(getpid(), SIGKILL)
      }
      let store = try Store(directory: directory)
      for step in 1... {
        let documents = (0..<20).map { "\(step) \($0)" }
        try store.commit(
          [
            .replaceDocuments(documents), try .setMeta(.mesh, step),
            .appendEvent(.init(.planApplied, "\(step)")),
          ],
          at: Timestamp(seconds: Int64(step)))
      }
    }
    let store = try Store(directory: directory)
    let state = try store.load()
    let step: Int = try state.meta(.mesh) ?? 0
    #expect(state.documents == (step == 0 ? [] : (0..<20).map { "\(step) \($0)" }))
    try store.commit([.replaceDocuments(["on"])], at: now)
    #expect(try store.load().documents == ["on"])
  }

  private func withDirectory(_ body: (String) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appending(
      path: "pbxlink-store-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try body(directory)
  }

  private func mode(_ path: String) throws -> mode_t {
    var status = stat()
    guard stat(path, &status) == 0 else { throw CocoaError(.fileReadNoSuchFile) }
    return status.st_mode & 0o777
  }
}
