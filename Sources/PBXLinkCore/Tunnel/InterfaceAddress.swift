// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// An address as an interface carries it: unlike an ``IPPrefix`` it keeps the host bits beside the length.
public struct InterfaceAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The address of the interface.
  public let address: IPAddress
  /// The prefix length in bits.
  public let length: Int

  /// An address with a length; nil when the length does not fit the family.
  public init?(_ address: IPAddress, length: Int) {
    guard (0...address.family.bitWidth).contains(length) else { return nil }
    self.address = address
    self.length = length
  }

  /// The address of a prefix, with its length.
  public init(_ prefix: IPPrefix) {
    address = prefix.address
    length = prefix.length
  }

  /// The network that the address lies in.
  public var network: IPPrefix { IPPrefix(address, length: length) ?? IPPrefix(host: address) }
  /// "192.0.2.7/24".
  public var description: String { "\(address)/\(length)" }
  /// By address, then by length.
  public static func < (left: Self, right: Self) -> Bool {
    left.address == right.address ? left.length < right.length : left.address < right.address
  }
}
