// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import Glibc
internal import PBXLinkCore

extension HostExamination {
  func entries() -> Look<[FileFacts.Entry]> {
    Self.look { try stateEntries() + asteriskEntries() }
  }

  /// Root may look, so that for root not seeing is a fault.
  var stateFault: String? {
    guard isRoot else { return nil }
    switch stored {
    case .unseen(let unseen): return unseen.reason
    case .seen(let site):
      guard case .unseen(let unseen) = site?.agent else { return nil }
      return unseen.reason
    }
  }

  /// The state directory and what is in it must be the agent's alone.
  private func stateEntries() throws -> [FileFacts.Entry] {
    let directory = configuration.stateDirectory
    guard let agent = try AsteriskFile.ownership(of: directory)?.owner else { return [] }
    let keys = "\(directory)/keys"
    var wanted = [
      (directory, UInt32(0o700), "others could read what this site knows"),
      ("\(directory)/state.sqlite", 0o600, "others could read what this site knows"),
      (keys, 0o700, "private keys must be the agent's alone, or it does not start"),
    ]
    if access(keys, F_OK) == 0 {
      wanted += try FileManager.default.contentsOfDirectory(atPath: keys).sorted().map {
        ("\(keys)/\($0)", 0o600, "a private key must be the agent's alone, or it does not start")
      }
    }
    return try wanted.compactMap { path, mode, reason in
      try AsteriskFile.ownership(of: path).map { found in
        FileFacts.Entry(
          path: path, owner: found.owner, group: found.group, mode: found.mode, wantedOwner: agent,
          wantedGroup: nil,
          wantedMode: mode, reason: reason)
      }
    }
  }

  /// Asterisk must be able to read our files like its own.
  private func asteriskEntries() throws -> [FileFacts.Entry] {
    let installation = AsteriskInstallation(
      configurationDirectory: configuration.asterisk.configurationDirectory)
    return try TrunkFile.allCases.compactMap { file in
      guard let found = try AsteriskFile.ownership(of: installation.path(of: file)),
        let sibling = try AsteriskFile.ownership(of: installation.path(ofParent: file))
      else { return nil }
      return FileFacts.Entry(
        path: installation.path(of: file), owner: found.owner, group: found.group, mode: found.mode,
        wantedOwner: sibling.owner, wantedGroup: sibling.group, wantedMode: 0o640,
        reason: "it holds secrets, and Asterisk takes a file that it may not read for one that is not there")
    }
  }
}
