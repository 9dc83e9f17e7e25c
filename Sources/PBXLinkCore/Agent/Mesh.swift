// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a site knows of its mesh for good: who rules it, which addresses it uses, and who we are in it.
public struct Mesh: Hashable, Sendable, Codable {
  /// The mesh's name and authority.
  public let identity: MeshIdentity
  /// The prefixes of the tunnel addresses: IPv4 as chosen by `init`, IPv6 from the authority's key.
  public let networks: [IPPrefix]
  /// The name of this site.
  public let site: SiteName

  /// A mesh as one of its sites sees it.
  public init(identity: MeshIdentity, networks: [IPPrefix], site: SiteName) {
    self.identity = identity
    self.networks = networks
    self.site = site
  }

  /// The prefix of one family.
  public func network(_ family: IPAddress.Family) -> IPPrefix? { networks.first { $0.family == family } }
}
