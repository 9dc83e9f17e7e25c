// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Why a trunk configuration cannot be written.
public enum TrunkError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A context in the site file that Asterisk could not read or that is ours.
  case context(String)
  /// A peer without IPv4 address.
  case address(SiteName, IPAddress)
  /// A user name that is not one of ours.
  case userName(SiteName, String)

  /// What is wrong and what to do.
  public var description: String {
    switch self {
    case .context(let name) where name.lowercased().hasPrefix(TrunkNames.contextPrefix):
      "asterisk: the context '\(name)' is one of pbxlink's own; name a context of your dialplan"
    case .context(let name):
      "asterisk: '\(name.prefix(80))' is not a context name (1 to 79 letters, digits, '-', '_' and '.')"
    case .address(let site, let address):
      "site \(site): IAX2 trunks need an IPv4 tunnel address, not \(address)"
    case .userName(let site, let name):
      "site \(site): '\(name.prefix(80))' is not a trunk user name"
    }
  }
}
