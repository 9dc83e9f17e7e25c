// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// An IPv4 or IPv6 address, without port or zone.
public struct IPAddress: Hashable, Sendable {
  /// The address family.
  public enum Family: Sendable, Comparable {
    case v4, v6
    /// Length of an address of this family in bits.
    public var bitWidth: Int { self == .v4 ? 32 : 128 }
  }

  /// The family of the address.
  public let family: Family
  // Two halves, since Swift 6.3 corrupts async frames that hold a UInt128 (swiftlang/swift#89842, #91204).
  private let high: UInt64
  private let low: UInt64
  /// The address as an integer in host order; the low 32 bits for IPv4.
  public var value: UInt128 { UInt128(high) << 64 | UInt128(low) }

  /// An address from its integer value; bits beyond the family's width are dropped.
  public init(family: Family, value: UInt128) {
    self.family = family
    high = family == .v4 ? 0 : UInt64(truncatingIfNeeded: value >> 64)
    low = UInt64(truncatingIfNeeded: family == .v4 ? value & 0xffff_ffff : value)
  }

  /// An address from 4 or 16 bytes in network order; nil for any other count.
  @inlinable
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    var (high, low): (UInt64, UInt64) = (0, 0)
    for byte in bytes { (high, low) = (high << 8 | low >> 56, low << 8 | UInt64(byte)) }
    self.init(family: bytes.count == 4 ? .v4 : .v6, high, low)
  }

  @usableFromInline
  init(family: Family, _ high: UInt64, _ low: UInt64) {
    (self.family, self.high, self.low) = (family, high, low)
  }

  /// The address in network order, 4 or 16 bytes.
  public var bytes: [UInt8] {
    stride(from: family.bitWidth - 8, through: 0, by: -8).map {
      UInt8(truncatingIfNeeded: $0 < 64 ? low >> UInt64($0) : high >> UInt64($0 - 64))
    }
  }

  /// Whether this is 127.0.0.0/8 or ::1.
  public var isLoopback: Bool { family == .v4 ? value >> 24 == 127 : value == 1 }
}

extension IPAddress: Comparable {
  /// IPv4 before IPv6, then by value.
  public static func < (left: Self, right: Self) -> Bool {
    left.family == right.family ? left.value < right.value : left.family < right.family
  }
}
