// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A moment on the wire: seconds since 1900 and their binary fraction, 32 bits each (RFC 5905 §6).
/// The seconds wrap in 2036, so only differences below 68 years mean anything.
public struct NTPTimestamp: Hashable, Sendable {
  /// The 64 bits, the seconds in the upper half.
  public let value: UInt64

  /// A moment from its 64 bits.
  public init(value: UInt64) { self.value = value }

  /// A moment of the system's clock; `nanoseconds` is 0 to 999,999,999.
  public init(unixSeconds: Int64, nanoseconds: Int64) {
    let seconds = UInt64(truncatingIfNeeded: unixSeconds &+ 2_208_988_800) << 32
    value = seconds | UInt64(truncatingIfNeeded: nanoseconds << 32 / 1_000_000_000) & 0xffff_ffff
  }

  /// The time from `earlier` to here; negative when that is the later one.
  public func elapsed(since earlier: Self) -> Duration {
    let units = Int64(bitPattern: value &- earlier.value)
    return .seconds(units >> 32) + .nanoseconds(((units & 0xffff_ffff) * 1_000_000_000) >> 32)
  }
}
