// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

// What a site announces, from its site file and its keys.

extension Descriptor.WireGuard {
  init(_ configuration: Configuration, _ keys: AgentKeys) {
    self.init(
      publicKey: keys.tunnel.publicKey, nextPublicKey: keys.nextTunnel.publicKey,
      endpoints: configuration.tunnel.endpoints)
  }
}

extension Descriptor.OpenVPN {
  /// Nil where OpenVPN is not among the paths.
  init?(_ configuration: Configuration, _ keys: AgentKeys) {
    guard configuration.tunnel.paths.contains(.openvpnTCP) else { return nil }
    self.init(fingerprint: keys.certificate, endpoints: configuration.openVPN.endpoints)
  }
}

extension Descriptor.Trunk {
  init(_ configuration: Configuration, _ keys: [any TrunkKey]) {
    self.init(
      keys: keys.map { .init(generation: $0.generation, publicKey: $0.publicKey) },
      port: configuration.trunk.port, callLimit: configuration.trunk.callLimit,
      codecs: configuration.trunk.codecs, encryption: configuration.trunk.encryption)
  }
}
