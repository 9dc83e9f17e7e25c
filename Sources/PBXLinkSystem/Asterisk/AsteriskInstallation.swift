// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import PBXLinkCore

/// An Asterisk on this host: its configuration directory and what is ours in it.
public struct AsteriskInstallation: Hashable, Sendable {
  /// The directory of ours below Asterisk's.
  static let ownDirectory = "pbxlink"

  /// Asterisk's configuration directory (`astetcdir`).
  public let configurationDirectory: String

  /// An Asterisk with this configuration directory.
  public init(configurationDirectory: String = "/etc/asterisk") {
    self.configurationDirectory = configurationDirectory
  }

  /// Whether FreePBX writes Asterisk's files: then our lines go into the files that it leaves to the admin.
  public var isFreePBX: Bool {
    get throws {
      if access("/etc/freepbx.conf", F_OK) == 0 { return true }
      let bytes = try AsteriskFile.read("\(configurationDirectory)/iax.conf") ?? []
      return String(decoding: bytes.prefix(4096), as: UTF8.self).contains("FreePBX")
    }
  }

  /// The name of Asterisk's file that includes one of ours.
  func parent(of file: TrunkFile) throws -> String {
    guard try isFreePBX else { return file.description }
    return switch file {
    case .iax: "iax_custom_post.conf"
    case .extensions: "extensions_custom.conf"
    case .manager: "manager_custom.conf"
    }
  }

  func path(ofParent file: TrunkFile) throws -> String { "\(configurationDirectory)/\(try parent(of: file))" }
  func path(of file: TrunkFile) -> String { "\(configurationDirectory)/\(Self.ownDirectory)/\(file)" }

  /// There while files were written that Asterisk has not loaded, or not been seen to use.
  private var markerPath: String { "\(configurationDirectory)/\(Self.ownDirectory)/.unverified" }

  /// What Asterisk's own files say.
  func findings() throws -> [TrunkFile: AsteriskConfigFindings] {
    let reader = AsteriskConfigReader(directory: configurationDirectory)
    var findings: [TrunkFile: AsteriskConfigFindings] = [:]
    for file in TrunkFile.allCases {
      guard var lines = try reader.lines(of: file.description) else {
        throw AsteriskError.parentMissing(path: "\(configurationDirectory)/\(file)")
      }
      // Up to Asterisk 22, users.conf can hold IAX2 users too.
      if file == .iax { lines += try reader.lines(of: "users.conf") ?? [] }
      findings[file] = AsteriskConfigFindings(lines, for: file)
    }
    return findings
  }

  /// Our files as they are.
  func files() throws -> TrunkFiles {
    var files = TrunkFiles()
    for file in TrunkFile.allCases {
      files[file] = String(decoding: try AsteriskFile.read(path(of: file)) ?? [], as: UTF8.self)
    }
    return files
  }

  /// Writes one of our files, or deletes it where the text is empty. It gets mode 0640 and the owner and group
  /// of the file that includes it: Asterisk takes a file that it may not read for one that is not there.
  func write(_ text: String, to file: TrunkFile) throws {
    guard !text.isEmpty else { return try AsteriskFile.remove(path(of: file)) }
    let sibling = try path(ofParent: file)
    guard let ownership = try AsteriskFile.ownership(of: sibling) else {
      throw AsteriskError.parentMissing(path: sibling)
    }
    try AsteriskFile.makeDirectory(
      "\(configurationDirectory)/\(Self.ownDirectory)", ownership.with(mode: 0o750))
    try AsteriskFile.write(Array(text.utf8), to: path(of: file), ownership.with(mode: 0o640))
  }

  /// The files that are not included, with the names of the files that should include them.
  func missingIncludes() throws -> [TrunkFile: String] {
    var missing: [TrunkFile: String] = [:]
    for file in TrunkFile.allCases {
      let bytes = try AsteriskFile.read(path(ofParent: file)) ?? []
      if !IncludeLine(file).isInstalled(in: bytes) { missing[file] = try parent(of: file) }
    }
    return missing
  }

  /// Puts our line at the end of the file that should include one of ours.
  func include(_ file: TrunkFile) throws { try edit(file) { IncludeLine(file).installed(in: $0) } }

  /// Takes our line out; the rest keeps every byte.
  func exclude(_ file: TrunkFile) throws { try edit(file) { IncludeLine(file).removed(from: $0) } }

  private func edit(_ file: TrunkFile, _ change: ([UInt8]) -> [UInt8]) throws {
    let path = try path(ofParent: file)
    guard let bytes = try AsteriskFile.read(path), let ownership = try AsteriskFile.ownership(of: path) else {
      throw AsteriskError.parentMissing(path: path)
    }
    let changed = change(bytes)
    if changed != bytes { try AsteriskFile.write(changed, to: path, ownership) }
  }

  /// Whether the last change of our files was loaded and verified.
  var isVerified: Bool { access(markerPath, F_OK) != 0 }

  /// Notes that a change begins, before its first write, so that a crash in it leaves a trace.
  func markUnverified() throws {
    guard let ownership = try AsteriskFile.ownership(of: try path(ofParent: .iax)) else {
      throw AsteriskError.parentMissing(path: try path(ofParent: .iax))
    }
    try AsteriskFile.makeDirectory(
      "\(configurationDirectory)/\(Self.ownDirectory)", ownership.with(mode: 0o750))
    try AsteriskFile.write([], to: markerPath, ownership.with(mode: 0o640))
  }

  /// Notes that Asterisk uses what the files say.
  func markVerified() throws { try AsteriskFile.remove(markerPath) }

  /// Takes every file and line of ours away.
  func removeAll() throws {
    // Lines first: a line without its file is harmless, but files come back to life with a line.
    for file in TrunkFile.allCases {
      if try AsteriskFile.read(path(ofParent: file)) != nil { try exclude(file) }
    }
    for file in TrunkFile.allCases { try AsteriskFile.remove(path(of: file)) }
    try markVerified()
    try AsteriskFile.removeDirectory("\(configurationDirectory)/\(Self.ownDirectory)")
  }
}
