// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension AsteriskTrunkPlane {
  /// Writes, loads and verifies. A trunk that comes gets its entries before its rules, because a rule whose
  /// peer is missing would send the call to whatever DNS says. One that goes loses its rules first, then its
  /// calls, then its entries.
  func install(
    _ files: TrunkFiles, _ configuration: TrunkConfiguration, over observed: ObservedTrunk
  ) async throws {
    guard observed.isRunning else {
      for file in TrunkFile.allCases where observed.files[file] != files[file] {
        try installation.write(files[file], to: file)
      }
      return
    }
    let access = ManagerAccess(port: configuration.managerPort, secret: configuration.managerSecret)
    try await load(.manager, files)
    try await awaitManager(access)
    let leaving = observed.sites.subtracting(configuration.peers.map(\.site))
    if !leaving.isEmpty {
      let remaining = configuration.keepingPeers { observed.sites.contains($0.site) }
      let files = try TrunkFiles(remaining, enablingManager: !observed.managerIsOn)
      try await load(.extensions, files)
      if observed.hasIAX2 {
        for site in leaving.sorted() { try await hangUp(site, access) }
        try await load(.iax, files)
      }
    }
    guard observed.hasIAX2 else {
      try installation.write(files.iax, to: .iax)
      return try await load(.extensions, files)
    }
    try await load(.iax, files)
    try await verifyPeers(configuration, access)
    try await load(.extensions, files)
    try await verifyDialplan(configuration)
    try installation.markVerified()
  }

  private func load(_ file: TrunkFile, _ files: TrunkFiles) async throws {
    if try installation.files()[file] != files[file] { try installation.write(files[file], to: file) }
    try await reload(file)
  }

  /// Makes Asterisk read a file. Calls go on.
  func reload(_ file: TrunkFile) async throws {
    let command =
      switch file {
      case .iax: "iax2 reload"
      case .extensions: "dialplan reload"
      case .manager: "manager reload"
      }
    let answer = try await commandLine.execute(command)
    guard !answer.contains("No such command") else {
      throw AsteriskError.command("-rx '\(command)'", reason: answer)
    }
  }

  /// Logs in once: the interface may have been turned on just now.
  private func awaitManager(_ access: ManagerAccess) async throws {
    for _ in 0..<20 {
      do {
        return try await AMIClient.withConnection(port: access.port, secret: access.secret) { _ in }
      } catch let error as AMIError {
        // One that takes the connection and says nothing has had its time.
        if case .timeout = error { throw error }
        try await Task.sleep(for: .milliseconds(100))
      }
    }
    try await AMIClient.withConnection(port: access.port, secret: access.secret) { _ in }
  }

  /// Looks at the peers until they are as intended; Asterisk may need a moment.
  private func verifyPeers(_ configuration: TrunkConfiguration, _ access: ManagerAccess) async throws {
    var found: [TrunkMismatch] = []
    for _ in 0..<20 {
      found = configuration.mismatches(with: try await livePeers(access))
      if found.isEmpty { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw AsteriskError.mismatch(found)
  }

  private func verifyDialplan(_ configuration: TrunkConfiguration) async throws {
    let found = configuration.mismatches(withDialplan: try await commandLine.dialplan())
    guard found.isEmpty else { throw AsteriskError.mismatch(found) }
  }

  /// Puts back what was there before a change that failed, and throws why.
  func restore(_ snapshot: AsteriskInstallation.Snapshot, _ former: ObservedTrunk, after error: any Error)
    async throws
    -> Never
  {
    do {
      try installation.restore(snapshot)
      if former.isRunning {
        for file in TrunkFile.allCases where file != .iax || former.hasIAX2 { try await reload(file) }
      }
    } catch let second {
      throw AsteriskError.restore(reason: "\(error)", restoring: "\(second)")
    }
    throw error
  }
}
