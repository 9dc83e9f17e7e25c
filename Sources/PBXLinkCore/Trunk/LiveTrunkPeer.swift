// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A peer as Asterisk has it in use (AMI `IAXpeerlist`).
public struct LiveTrunkPeer: Hashable, Sendable {
  /// The section's name.
  public let name: String
  /// The user name that is presented.
  public let userName: String
  /// The address as Asterisk prints it.
  public let address: String
  /// The UDP port.
  public let port: String
  /// Whether calls are encrypted.
  public let isEncrypted: Bool
  /// The state by qualify, such as `OK (3 ms)`; says nothing about authentication.
  public let status: String

  /// A peer.
  public init(
    name: String, userName: String, address: String, port: String, isEncrypted: Bool, status: String
  ) {
    self.name = name
    self.userName = userName
    self.address = address
    self.port = port
    self.isEncrypted = isEncrypted
    self.status = status
  }
}

/// A difference between what Asterisk uses and what it was told.
public struct TrunkMismatch: Hashable, Sendable, CustomStringConvertible {
  /// The object: a peer or a context.
  public let object: String
  /// What is wrong with it.
  public let reason: String

  /// A mismatch.
  public init(_ object: String, _ reason: String) {
    self.object = object
    self.reason = reason
  }

  /// The object and what is wrong.
  public var description: String { "\(object): \(reason)" }
}

extension TrunkConfiguration {
  /// Compares the peers in use with those intended. Peers that are not ours do not count. Encryption where
  /// none was asked for is no mismatch: `encryption=yes` in the admin's `[general]` cannot be turned off.
  public func mismatches(with live: [LiveTrunkPeer]) -> [TrunkMismatch] {
    let ours = live.filter { $0.name.hasPrefix(TrunkNames.peerPrefix) }
    var mismatches: [TrunkMismatch] = []
    for peer in peers {
      let name = TrunkNames.peer(peer.site)
      let found = ours.filter { $0.name == name }
      guard let one = found.first else {
        mismatches.append(
          TrunkMismatch(
            "peer \(name)", "Asterisk does not have it; can its user read pbxlink/\(TrunkFile.iax)?"))
        continue
      }
      let expected = [
        ("address", one.address, peer.address.description), ("port", one.port, "\(peer.port)"),
        ("user name", one.userName, peer.outbound.userName),
      ]
      for (what, actual, intended) in expected where actual != intended {
        mismatches.append(TrunkMismatch("peer \(name)", "its \(what) is '\(actual)', not '\(intended)'"))
      }
      if peer.encryption && !one.isEncrypted {
        mismatches.append(TrunkMismatch("peer \(name)", "it is not encrypted"))
      }
    }
    let known = Set(peers.map { TrunkNames.peer($0.site) })
    return mismatches
      + ours.filter { !known.contains($0.name) }.map {
        TrunkMismatch("peer \($0.name)", "Asterisk has it although no site has this name")
      }
  }

  /// Compares our contexts in use, by their extensions, with those intended.
  public func mismatches(withDialplan found: [String: Set<String>]) -> [TrunkMismatch] {
    let expected = expectedContexts
    let missing = expected.sorted { $0.key < $1.key }.compactMap { context, extensions -> TrunkMismatch? in
      guard let live = found[context] else {
        return TrunkMismatch(
          "context \(context)",
          "Asterisk does not have it; can its user read pbxlink/\(TrunkFile.extensions)?")
      }
      let difference = live.symmetricDifference(extensions).sorted()
      return difference.isEmpty
        ? nil
        : TrunkMismatch("context \(context)", "differs in \(difference.prefix(5).joined(separator: ", "))")
    }
    let ours = found.keys.filter { $0.hasPrefix(TrunkNames.contextPrefix) }.sorted()
    return missing
      + ours.filter { expected[$0] == nil }.map {
        TrunkMismatch("context \($0)", "Asterisk has it although no site has this name")
      }
  }

  /// The extensions that each of our contexts must have, from the text that was rendered.
  var expectedContexts: [String: Set<String>] {
    var contexts: [String: Set<String>] = [:]
    var current = ""
    for line in AsteriskConfigLine.lines(of: dialplanText, file: "\(TrunkFile.extensions)") {
      switch line.content {
      case .section(let name, _):
        current = name
        if name.hasPrefix(TrunkNames.contextPrefix) { contexts[name] = contexts[name] ?? [] }
      case .entry("exten", let value):
        contexts[current]?.insert(String(value.prefix { $0 != "," }))
      default: break
      }
    }
    return contexts
  }
}
