// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

/// How to reach Asterisk's manager interface as our own user.
struct ManagerAccess {
  let port: UInt16
  let secret: Secret
}

extension AsteriskTrunkPlane {
  /// From the files in place: the password of our own, the port of whoever turned the interface on.
  func managerAccess(_ observed: ObservedTrunk) -> ManagerAccess? {
    let lines = AsteriskConfigLine.lines(of: observed.files.manager, file: "")
    let entries = lines.compactMap { line -> (String, String)? in
      if case .entry(let key, let value) = line.content { (key, value) } else { nil }
    }
    let own = Dictionary(entries) { $1 }
    guard let secret = own["secret"].flatMap(Secret.init(hex:)) else { return nil }
    let port = observed.findings[.manager]?.general["port"]?.text
    return ManagerAccess(port: (own["port"] ?? port).flatMap { UInt16($0) } ?? 5038, secret: secret)
  }

  /// Nil where Asterisk does not run or our user is not there yet.
  func currentAccess() async throws -> ManagerAccess? {
    guard try await commandLine.hasBooted() else { return nil }
    var observed = ObservedTrunk()
    observed.files = try installation.files()
    observed.findings = try installation.findings()
    return managerAccess(observed)
  }

  func livePeers(_ access: ManagerAccess) async throws -> [LiveTrunkPeer] {
    try await liveState(access).peers
  }

  /// When Asterisk was started, which tells one process from another, and the peers that it uses.
  func liveState(_ access: ManagerAccess) async throws -> (start: String, peers: [LiveTrunkPeer]) {
    try await AMIClient.withConnection(port: access.port, secret: access.secret) { client in
      let status = try await client.coreStatus()
      let start = ["CoreStartupDate", "CoreStartupTime"].compactMap { status[$0] }.joined(separator: " ")
      return (start, try await client.iaxPeers())
    }
  }

  func hangUp(_ site: SiteName, _ access: ManagerAccess) async throws {
    _ = try await AMIClient.withConnection(port: access.port, secret: access.secret) { client in
      try await client.hangUp(matching: TrunkNames.channelPattern(site))
    }
  }
}

extension Secret {
  /// The bytes of lower-case hexadecimal; nil for anything else.
  init?(hex: String) {
    let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard !digits.isEmpty, digits.count == hex.utf8.count, digits.count.isMultiple(of: 2) else { return nil }
    self.init(stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
  }
}
