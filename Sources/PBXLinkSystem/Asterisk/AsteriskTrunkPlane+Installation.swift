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
    try await verify("peers", access: access) { live in configuration.mismatches(with: live) }
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
    guard !answer.contains("No such command") else { throw AsteriskError.command("-rx '\(command)'", reason: answer) }
  }

  /// Looks at the peers until they are as intended; Asterisk may need a moment.
  private func verify(
    _ object: String, access: ManagerAccess, _ mismatches: ([LiveTrunkPeer]) -> [TrunkMismatch]
  ) async throws {
    var found: [TrunkMismatch] = []
    for _ in 0..<20 {
      found = mismatches(try await livePeers(access))
      if found.isEmpty { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw AsteriskError.mismatch(found, restoring: nil)
  }

  private func verifyDialplan(_ configuration: TrunkConfiguration) async throws {
    var mismatches: [TrunkMismatch] = []
    for (context, expected) in configuration.expectedContexts.sorted(by: { $0.key < $1.key }) {
      guard let found = try await commandLine.extensions(in: context) else {
        mismatches.append(TrunkMismatch("context \(context)", "Asterisk does not have it"))
        continue
      }
      let difference = found.symmetricDifference(expected).sorted()
      if !difference.isEmpty {
        mismatches.append(
          TrunkMismatch("context \(context)", "differs in \(difference.prefix(5).joined(separator: ", "))"))
      }
    }
    guard mismatches.isEmpty else { throw AsteriskError.mismatch(mismatches, restoring: nil) }
  }

  /// Puts back what was there before a change that failed, and throws why.
  func restore(_ former: ObservedTrunk, after error: any Error) async throws -> Never {
    do {
      for file in TrunkFile.allCases {
        if former.missingIncludes[file] != nil { try installation.exclude(file) }
        try installation.write(former.files[file], to: file)
      }
      if former.isVerified { try installation.markVerified() }
      if former.files == TrunkFiles() { try installation.removeAll() }
      if former.isRunning {
        for file in TrunkFile.allCases where file != .iax || former.hasIAX2 { try await reload(file) }
      }
    } catch let second {
      if case AsteriskError.mismatch(let found, _) = error {
        throw AsteriskError.mismatch(found, restoring: "\(second)")
      }
      throw AsteriskError.restore(reason: "\(error)", restoring: "\(second)")
    }
    throw error
  }
}
