// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import Synchronization

/// What a lab has made, on disk from the moment it exists, so that a crash leaves nothing unowned.
struct LabState: Codable, Hashable, Sendable {
  let file: LabFile
  /// Whether ``Lab/up(_:name:options:progress:)`` reached its end.
  var isComplete = false
  var internet: Anchor?
  var routers: [Anchor] = []
  var offices: [Anchor] = []

  var anchors: [Anchor] { offices + routers + (internet.map { [$0] } ?? []) }

  /// The state of a lab; nil when there is no lab of that name.
  static func load(_ directory: LabDirectory) throws -> LabState? {
    guard FileManager.default.fileExists(atPath: directory.state) else { return nil }
    return try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(filePath: directory.state)))
  }

  func save(_ directory: LabDirectory) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(self).write(to: URL(filePath: directory.state), options: .atomic)
  }
}

/// The one writer of a lab's state while it comes up.
final class LabJournal: Sendable {
  private let current: Mutex<LabState>
  private let directory: LabDirectory

  init(_ file: LabFile, in directory: LabDirectory) throws {
    self.directory = directory
    current = Mutex(LabState(file: file))
    try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
    try change { _ in }
  }

  var state: LabState { current.withLock(\.self) }

  func change(_ body: (inout LabState) -> Void) throws {
    try current.withLock { state in
      body(&state)
      try state.save(directory)
    }
  }
}
