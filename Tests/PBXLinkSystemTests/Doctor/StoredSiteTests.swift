// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("Looks of the doctor")
struct StoredSiteTests {
  private static func withDirectory(_ body: (URL) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "doctor-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory)
  }

  private static func configuration(_ directory: URL) -> PBXLinkCore.Configuration {
    var configuration = PBXLinkCore.Configuration()
    configuration.stateDirectory = directory.path
    return configuration
  }

  @Test("what an agent has stored is read while it has its store open, and keys are not made")
  func whileOpen() throws {
    try Self.withDirectory { directory in
      let store = try Store(directory: directory.path)
      let time = Timestamp(seconds: 1_790_000_000)
      try store.commit([.setMeta(.highestTime, time), .setMeta(.isDown, true)], at: time)
      let site = try #require(try StoredSite.read(Self.configuration(directory)))
      #expect(site.highestTime == time)
      #expect(site.isDown)
      let agent = try site.agent.get()
      #expect(agent == nil)
      #expect(!FileManager.default.fileExists(atPath: directory.path + "/keys"))
      try store.commit([.setMeta(.isDown, false)], at: time)
      #expect(try StoredSite.read(Self.configuration(directory))?.isDown == false)
    }
  }

  @Test("where nothing is stored there is nothing, and nothing is made")
  func nothing() throws {
    try Self.withDirectory { directory in
      let site = try StoredSite.read(Self.configuration(directory))
      #expect(site == nil)
      #expect(!FileManager.default.fileExists(atPath: directory.path))
    }
  }

  @Test("a damaged database is an error that names it")
  func damaged() throws {
    try Self.withDirectory { directory in
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      let path = directory.path + "/state.sqlite"
      try Data("no database at all, but long enough to be looked at".utf8).write(to: URL(filePath: path))
      let error = #expect(throws: StoreError.self) { try StoredSite.read(Self.configuration(directory)) }
      #expect(error?.description.contains(path) == true)
    }
  }

  @Test("only TCP sockets that listen count")
  func listeners() {
    let text = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 0100007F:11DA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
         1: 0100007F:9C40 0100007F:11DA 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0
      """
    #expect(TCPListeners.ports(in: text) == [4570])
  }
}
