// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CLinux
internal import FoundationEssentials
internal import Glibc
internal import PBXLinkCore

extension Backup {
  /// What a restore has done.
  public struct Restored: Sendable, Codable {
    /// The form of this document.
    public var schema = "pbxlink.restored/1"
    /// What was restored.
    public let backup: Manifest
    /// Sentences for people.
    public let messages: [String]
    /// Where the state that was there before is now.
    public let formerState: String?

    enum CodingKeys: String, CodingKey {
      case schema, backup, messages
      case formerState = "former_state"
    }
  }

  /// Makes this server that site again. The state is unpacked and checked beside its place and then changes
  /// places with what is there, in one step; before that nothing has changed.
  /// - Parameter force: whether a state that is there is put aside, or refused.
  public func restore(siteFile path: String, force: Bool) throws -> Restored {
    let now = Engine.clock()
    let configuration = try restoredConfiguration(path)
    let state = configuration.stateDirectory
    let socket = configuration.runtimeDirectory + "/control.sock"
    guard !UnixSocket.answers(socket) else {
      throw Failure(
        "An agent is running: \(socket) answers. Stop it with 'systemctl stop pbxlink' first.", .configuration
      )
    }
    let isOccupied = try Self.isOccupied(state)
    guard force || !isOccupied else {
      throw Failure(
        "\(state) holds the state of a site already. With --force it is put aside, and not removed.",
        .cannotCreate)
    }
    let draft = "\(state).restore-\(now.compact)"
    var messages: [String]
    do {
      try unpack(into: draft, configuration, at: now)
      messages = try restoreSiteFile(path)
      try Self.exchange(draft, state)
    } catch {
      try? FileManager.default.removeItem(atPath: draft)
      throw error
    }
    let former = isOccupied ? "\(state).before-\(now.compact)" : nil
    try Self.putAside(draft, as: former)
    if let former { messages.append("The state that was here before is in \(former).") }
    return Restored(backup: manifest, messages: messages, formerState: former)
  }

  /// The site file that is there, or else that of the backup.
  private func restoredConfiguration(_ path: String) throws -> PBXLinkCore.Configuration {
    guard access(path, F_OK) != 0, let siteFile else { return try SiteFile.readIfPresent(path) }
    return try SiteFile.parse(String(decoding: siteFile, as: UTF8.self), file: "\(path) (of the backup)")
  }

  /// Whether there is more than what an agent leaves that is in no mesh.
  private static func isOccupied(_ state: String) throws -> Bool {
    let keys = state + "/keys"
    if access(keys, F_OK) == 0, try !DirectoryEntries.names(in: keys).isEmpty { return true }
    let store = state + "/state.sqlite"
    guard access(store, F_OK) == 0 else { return false }
    do {
      let mesh: Mesh? = try StoredSite.load(store).meta(.mesh)
      return mesh != nil
    } catch {
      return true  // what cannot be read is worth keeping too
    }
  }

  private func unpack(
    into draft: String, _ configuration: PBXLinkCore.Configuration, at now: Timestamp
  ) throws {
    guard mkdir(draft, 0o700) == 0 else {
      throw SealedFileError.system(call: "mkdir", path: draft, code: errno)
    }
    try PrivateFile.write(Array(database), to: draft + "/state.sqlite", replacing: false)
    let files = try KeyFiles(directory: draft + "/keys")
    for (name, key) in keys.sorted(by: { $0.key < $1.key }) { try files.create(name, key) }
    let store = try Store(directory: draft)
    let entry = JournalEntry(.stateRestored, "restored from the backup of \(manifest.time)")
    // An invitation may have been used or withdrawn since.
    try store.commit(
      [
        try .setMeta(.restoredFrom, Timestamp(backup: manifest.time) ?? now),
        try .setMeta(.invitations, [PendingInvitation]()), .appendEvent(entry),
      ], at: now)
    try store.closeDatabase()
    var beside = configuration
    beside.stateDirectory = draft
    _ = try Self.site(of: beside)
    try PrivateFile.synchronize(directory: draft)
  }

  private func restoreSiteFile(_ path: String) throws -> [String] {
    guard let siteFile else { return [] }
    guard access(path, F_OK) == 0 else {
      let directory = URL(filePath: path).deletingLastPathComponent()
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      try PrivateFile.write(Array(siteFile), to: path, replacing: false)
      return ["\(path) is restored."]
    }
    guard try Data(contentsOf: URL(filePath: path)) != siteFile else { return [] }
    let beside = path + ".from-backup"
    try PrivateFile.write(Array(siteFile), to: beside, replacing: true)
    return ["\(path) is left as it is; the backup's, which differs, is \(beside)."]
  }

  /// Puts the new state in its place, at once; what was there has the draft's name then.
  private static func exchange(_ draft: String, _ state: String) throws {
    guard access(state, F_OK) == 0 ? clinux_exchange(draft, state) == 0 : rename(draft, state) == 0 else {
      throw Failure(
        "\(state) cannot be replaced (\(String(cString: strerror(errno)))). Move it away, and run this again.",
        .osError)
    }
    try PrivateFile.synchronize(directory: URL(filePath: state).deletingLastPathComponent().path)
  }

  /// Gives the former state a name that tells, or removes it where it was none.
  private static func putAside(_ path: String, as name: String?) throws {
    guard access(path, F_OK) == 0 else { return }
    guard let name else { return try FileManager.default.removeItem(atPath: path) }
    guard rename(path, name) == 0 else {
      throw Failure(
        "The state is restored. What was here before is still called \(path): "
          + "\(String(cString: strerror(errno)))", .osError)
    }
  }
}

extension Timestamp {
  /// From RFC 3339, as a manifest has it.
  fileprivate init?(backup text: String) {
    guard let date = try? Date.ISO8601FormatStyle().parse(text) else { return nil }
    self.init(seconds: Int64(date.timeIntervalSince1970))
  }

  /// Such as 20261123T120000Z, for names of files.
  fileprivate var compact: String { description.filter { $0 != "-" && $0 != ":" } }
}
