// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Why a tunnel configuration was refused before it came near the kernel.
public enum TunnelConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Not "pbxlink" followed by a-z, 0-9 and hyphen, 15 characters at most.
  case interfaceName(String)
  /// The private key has this many bytes instead of 32.
  case privateKeyLength(Int)
  /// The MTU lies outside ``TunnelConfiguration/mtuRange``.
  case mtu(Int)
  /// One of our own addresses is a network.
  case notAHostAddress(IPPrefix)
  /// A peer has our own key.
  case ownKeyAsPeer(PublicKey)
  /// Two peers have the same key.
  case duplicatePeer(PublicKey)
  /// Two peers claim the same allowed IP.
  case sharedAllowedIP(IPPrefix, PublicKey, PublicKey)

  /// What is wrong and what to do.
  public var description: String {
    switch self {
    case .interfaceName(let name):
      "tunnel interface '\(name)': the name must start with \"pbxlink\" and have at most 15 of a-z, 0-9 and -"
    case .privateKeyLength(let count):
      "tunnel private key: \(count) bytes instead of 32; make a new one with 'pbxlink rotate-keys'"
    case .mtu(let mtu):
      "tunnel MTU \(mtu): set it between \(TunnelConfiguration.mtuRange.lowerBound) and "
        + "\(TunnelConfiguration.mtuRange.upperBound) bytes"
    case .notAHostAddress(let prefix):
      "tunnel address \(prefix): must be a single address (/32 or /128)"
    case .ownKeyAsPeer(let key):
      "tunnel peer \(key.wireGuardText): has this site's own key; the site was cloned, give one a new key"
    case .duplicatePeer(let key):
      "tunnel peer \(key.wireGuardText): two sites have the same key; one was cloned, give it a new key"
    case .sharedAllowedIP(let prefix, let first, let second):
      "tunnel address \(prefix): claimed by the peers \(first.wireGuardText) and \(second.wireGuardText)"
    }
  }
}
