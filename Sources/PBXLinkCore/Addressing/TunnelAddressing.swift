// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Chooses tunnel addresses from the hash of a name, so that no list has to be handed round: the same name
/// gets the same address again, and two names seldom want the same one.
public enum TunnelAddressing {
  /// The address of a site: where the hash of its name points, or the next free one after it.
  ///
  /// Never the first or the last address of the prefix: the network and broadcast addresses of IPv4, the
  /// subnet-router anycast address of IPv6 (RFC 4291 §2.6.1). Nil when every address is taken.
  public static func address(
    for site: SiteName, in network: IPPrefix, taken: Set<IPAddress>, hash: ([UInt8]) -> [UInt8]
  ) -> IPAddress? {
    address(purpose: "site", site, in: network, taken: taken, hash: hash)
  }

  /// The throw-away address from which a site that is invited redeems its invitation.
  public static func throwAwayAddress(
    for site: SiteName, in network: IPPrefix, taken: Set<IPAddress>, hash: ([UInt8]) -> [UInt8]
  ) -> IPAddress? {
    address(purpose: "invitation", site, in: network, taken: taken, hash: hash)
  }

  /// The mesh's IPv6 prefix: fd00::/8, then 40 bits of the hash of the authority's key as the global ID
  /// (RFC 4193 §3.2.2 wants them random; the key is).
  public static func uniqueLocalNetwork(of authority: PublicKey, hash: ([UInt8]) -> [UInt8]) -> IPPrefix? {
    let globalID = hash(Array("pbxlink ula\0".utf8) + authority.bytes).prefix(5)
    return IPAddress(bytes: [0xfd] + globalID + Array(repeating: 0, count: 10))
      .flatMap { IPPrefix($0, length: 48) }
  }

  private static func address(
    purpose: String, _ site: SiteName, in network: IPPrefix, taken: Set<IPAddress>,
    hash: ([UInt8]) -> [UInt8]
  ) -> IPAddress? {
    guard network.hostBits >= 2 else { return nil }
    let last = UInt128.max >> UInt128(128 - network.hostBits)
    let usable = last - 1
    let digest = hash(Array("pbxlink \(purpose) address\0\(site)".utf8))
    var offset = digest.prefix(16).reduce(UInt128(0)) { $0 << 8 | UInt128($1) } % usable
    // One of any taken.count + 1 addresses in a row is free.
    for _ in 0..<min(usable, UInt128(taken.count) + 1) {
      let candidate = IPAddress(family: network.family, value: network.address.value + 1 + offset)
      if !taken.contains(candidate) { return candidate }
      offset = (offset + 1) % usable
    }
    return nil
  }
}
