// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import GRDB
internal import Glibc
internal import PBXLinkCore

/// What an agent has stored, read without it and without writing: SQLite's write-ahead log lets us read while
/// the agent writes.
struct StoredSite: Sendable {
  /// The highest time that it has seen.
  let highestTime: Timestamp?
  /// Whether 'pbxlink down' took the links away.
  let isDown: Bool
  /// The agent as it would start; nil before `init` or `join`, and the reason where the keys cannot be used.
  let agent: Look<Agent?>

  /// Nil where no agent has stored anything.
  static func read(_ configuration: PBXLinkCore.Configuration) throws -> StoredSite? {
    let path = configuration.stateDirectory + "/state.sqlite"
    guard access(path, F_OK) == 0 else {
      if errno == ENOENT { return nil }
      throw StoreError(errno: errno, path: path)
    }
    let state = try load(path)
    return StoredSite(
      highestTime: try state.meta(.highestTime), isDown: try state.meta(.isDown) ?? false,
      agent: HostExamination.look { try agent(state, configuration) })
  }

  static func load(_ path: String) throws -> StoredState {
    do {
      var options = GRDB.Configuration()
      options.readonly = true
      options.busyMode = .timeout(5)
      let queue = try DatabaseQueue(path: path, configuration: options)
      return try queue.read { try StoredState(in: $0, path: path) }
    } catch {
      throw StoreError(error, path: path)
    }
  }

  private static func agent(_ state: StoredState, _ configuration: PBXLinkCore.Configuration) throws -> Agent?
  {
    guard let mesh: Mesh = try state.meta(.mesh) else { return nil }
    let directory = configuration.stateDirectory + "/keys"
    // KeyFiles would make a directory that is missing.
    guard access(directory, F_OK) == 0 else { throw KeyFileError.missing(path: directory) }
    let generations: KeyGenerations = try state.meta(.keyGenerations) ?? KeyGenerations()
    return try Agent(
      mesh: mesh, configuration: configuration,
      keys: try KeyFiles(directory: directory).loadAgentKeys(generations), documents: state.documents,
      keyGenerations: generations, invitations: try state.meta(.invitations) ?? [],
      awaited: try state.meta(.awaited) ?? [], restoredFrom: try state.meta(.restoredFrom),
      cryptography: OpenSSLCryptography())
  }
}
