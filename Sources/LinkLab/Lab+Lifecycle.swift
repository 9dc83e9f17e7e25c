// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import PBXLinkCore

extension Lab {
  /// Brings a lab up: internet, offices, routers, Asterisks, agents. What a failure or a cancellation
  /// leaves behind is removed before the error is thrown.
  /// - Parameter name: the file's name by default; another one lets a second lab run beside it.
  public static func up(
    _ file: LabFile, name: String? = nil, options: Options = Options(),
    progress: @escaping ProgressHandler = { _ in }
  ) async throws -> Lab {
    let directory = LabDirectory(name: name ?? file.name.description)
    try FileManager.default.createDirectory(atPath: LabDirectory.labs, withIntermediateDirectories: true)
    return try await directory.locked { try await start(file, directory, options, progress) }
  }

  private static func start(
    _ file: LabFile, _ directory: LabDirectory, _ options: Options, _ progress: @escaping ProgressHandler
  ) async throws -> Lab {
    if let old = try LabState.load(directory) {
      guard options.replaces || !old.isHealthy else {
        throw LabError.lab(
          name: directory.name, problem: "is up already; take it down first, or choose another --name")
      }
      progress(.began("removing the lab \(directory.name) that was here before"))
      try await remove(old, directory)
    }
    let journal = try LabJournal(file, in: directory)
    do {
      let internet = try await build(file, directory, journal, options, progress)
      try journal.change { $0.isComplete = true }
      return Lab(journal.state, internet: internet, directory)
    } catch {
      // Not in this task, which may be cancelled: removal must run to its end.
      try await Task { try await remove(journal.state, directory) }.value
      throw error
    }
  }

  /// Takes a lab down and removes every trace, whatever state it is in.
  /// - Returns: false when there was none.
  @discardableResult
  public static func down(_ name: String) async throws -> Bool {
    let directory = LabDirectory(name: name)
    guard FileManager.default.fileExists(atPath: directory.state) else { return false }
    return try await directory.locked {
      guard let state = try LabState.load(directory) else { return false }
      try await remove(state, directory)
      return true
    }
  }

  private static func build(
    _ file: LabFile, _ directory: LabDirectory, _ journal: LabJournal, _ options: Options,
    _ progress: @escaping ProgressHandler
  ) async throws -> Anchor {
    var roots: [LabFile.Release: String] = [:]
    for release in Set(file.offices.map(\.release)).sorted(by: { $0.rawValue < $1.rawValue }) {
      roots[release] = try await DebianRoot.asterisk(release).path(progress: progress)
    }
    let system = options.areServers ? try await DebianRoot.server.path(progress: progress) : nil
    progress(.began("starting \(file.offices.count) offices"))
    let anchor = try await Anchor.start(name: "internet", log: directory.log("internet"))
    try journal.change { $0.internet = anchor }
    let internet = try await Internet.start(file, anchor: anchor)
    let pbxlink = try options.binaries.map { try command(in: $0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, plan) in file.offices.enumerated() {
        guard let root = roots[plan.release] else { continue }
        group.addTask {
          let office = try await start(plan, internet, port: index + 1, directory, journal)
          try await office.prepare(system: system, asterisk: root, pbxlink: pbxlink)
          try await office.installDialplan()
          if !options.withoutAsterisk.contains(plan.name) { try await office.startAsterisk() }
          if options.startsAgents, pbxlink != nil { try await office.startAgent() }
        }
      }
      var done = 0
      while try await group.next() != nil {
        done += 1
        progress(.advanced(done, of: file.offices.count))
      }
    }
    return anchor
  }

  private static func start(
    _ plan: LabFile.Office, _ internet: Internet, port: Int, _ directory: LabDirectory, _ journal: LabJournal
  ) async throws -> Office {
    let name = plan.name.description
    let host = try await Anchor.start(name: name, log: directory.log(name))
    try journal.change { $0.offices.append(host) }
    switch plan.network {
    case .public: try await internet.connect(host, address: plan.address, port: port)
    case .nat, .symmetric:
      let router = try await Anchor.start(name: "\(name)-router", log: directory.log("\(name)-router"))
      try journal.change { $0.routers.append(router) }
      try await internet.connect(router, address: plan.address, port: port)
      try await Router.connect(host, to: router, lan: plan.lan, isSymmetric: plan.network == .symmetric)
    }
    return Office(plan: plan, anchor: host, directory: directory)
  }

  private static func command(in binaries: String) throws -> String {
    let path = URL(filePath: binaries).path + "/pbxlink"
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw LabError.notStarted(command: path, reason: "no such program; build it with 'swift build'")
    }
    return path
  }

  private static func remove(_ state: LabState, _ directory: LabDirectory) async throws {
    for anchor in state.anchors { try await anchor.process.kill() }
    for stray in try Anchor.strays(of: directory) { try await stray.kill() }
    try FileManager.default.removeItem(atPath: directory.path)
  }
}

extension LabDirectory {
  /// Runs `body` while no other process changes the lab.
  fileprivate func locked<Result>(_ body: () async throws -> Result) async throws -> Result {
    guard let lock = FileLock(path: lock) else {
      throw LabError.lab(name: name, problem: "is being started or stopped by another process")
    }
    defer { withExtendedLifetime(lock) {} }
    return try await body()
  }
}
