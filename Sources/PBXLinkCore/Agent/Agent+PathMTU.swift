// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Agent {
  /// Takes in what the probes have found of the largest packets; what is not known yet changes nothing.
  mutating func notePathMTUs(
    of linked: [Site], _ probed: [SiteName: [TunnelPath: PathState]]
  ) -> [Effect] {
    let former = pathMTUs
    let known = Set(linked.map(\.identity))
    pathMTUs = pathMTUs.filter { known.contains($0.key) }
    var effects: [Effect] = []
    for site in linked {
      // Both leave by WireGuard's interface, the one that is in use.
      let states = probed[site.name] ?? [:]
      guard let mtu = states[.wireguard]?.mtu ?? states[.relay]?.mtu else { continue }
      pathMTUs[site.identity] = mtu
      let wasSmall = former[site.identity].map { $0 < tunnelMTU } ?? false
      guard mtu != former[site.identity], mtu < tunnelMTU || wasSmall else { continue }
      effects += [
        .reconcile,
        .journal(
          JournalEntry(
            .pathMTUChanged, site: site.name,
            mtu < tunnelMTU
              ? "packets of more than \(mtu) bytes to '\(site.name)' get lost: none are sent any more"
              : "packets of all sizes reach '\(site.name)' again")),
      ]
    }
    return effects
  }

  /// What routes are to tell of the paths that carry less than the interface.
  func routeMTUs(of linked: [Site]) -> [IPPrefix: Int] {
    linked.reduce(into: [:]) { mtus, site in
      guard let mtu = pathMTUs[site.identity], mtu < tunnelMTU else { return }
      for address in site.membership.addresses {
        // IPv6 does without smaller ones (RFC 8200 §5).
        let least = address.family == .v6 ? TunnelConfiguration.mtuRange.lowerBound : 0
        if max(mtu, least) < tunnelMTU { mtus[IPPrefix(host: address)] = max(mtu, least) }
      }
    }
  }
}
