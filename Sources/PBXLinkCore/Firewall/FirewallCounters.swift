// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Packets and bytes that the table counted.
public struct FirewallCounters: Hashable, Sendable {
  /// One counter.
  public struct Count: Hashable, Sendable, Codable {
    /// Packets.
    public let packets: UInt64
    /// Bytes, IP headers included.
    public let bytes: UInt64

    /// A count.
    public init(packets: UInt64, bytes: UInt64) {
      self.packets = packets
      self.bytes = bytes
    }
  }

  /// The named counters.
  public let named: [FirewallTable.Counter: Count]
  /// What each tunnel address sent us through tunnels, members and invited sites alike.
  public let sources: [IPAddress: Count]

  /// What was counted.
  public init(named: [FirewallTable.Counter: Count], sources: [IPAddress: Count]) {
    self.named = named
    self.sources = sources
  }
}
