// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// An IP prefix such as 10.77.0.0/16; the bits beyond its length are zero.
public struct IPPrefix: Hashable, Sendable {
  /// The first address of the prefix.
  public let address: IPAddress
  /// The prefix length in bits.
  public let length: Int

  /// A prefix; host bits of `address` are cleared. Nil when the length does not fit the family.
  public init?(_ address: IPAddress, length: Int) {
    guard (0...address.family.bitWidth).contains(length) else { return nil }
    let hostBits = UInt128(address.family.bitWidth - length)
    let masked = hostBits >= 128 ? 0 : (address.value >> hostBits) << hostBits
    self.address = IPAddress(family: address.family, value: masked)
    self.length = length
  }

  /// The prefix that holds one address: /32 or /128.
  public init(host address: IPAddress) {
    self.address = address
    self.length = address.family.bitWidth
  }

  /// The address family.
  public var family: IPAddress.Family { address.family }
  /// How many bits number the hosts.
  public var hostBits: Int { family.bitWidth - length }
  /// The netmask as an address, such as 255.255.0.0.
  public var netmask: IPAddress {
    IPAddress(family: family, value: length == 0 ? 0 : UInt128.max << UInt128(hostBits))
  }

  /// Whether the address lies in the prefix.
  public func contains(_ other: IPAddress) -> Bool {
    other.family == family && IPPrefix(other, length: length)?.address == address
  }

  /// Whether the two prefixes share an address.
  public func overlaps(_ other: IPPrefix) -> Bool { contains(other.address) || other.contains(address) }
}

extension IPPrefix: LosslessStringConvertible, CustomStringConvertible, Codable, Comparable {
  /// Parses "10.77.0.0/16" or a single address; refuses set host bits, which are usually a typing error.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let address = IPAddress(String(parts[0])) else { return nil }
    guard parts.count == 2 else {
      self.init(host: address)
      return
    }
    guard let length = Int(parts[1]), String(length) == parts[1],
      let prefix = IPPrefix(address, length: length), prefix.address == address
    else { return nil }
    self = prefix
  }

  /// The text form, always with its length.
  public var description: String { "\(address)/\(length)" }

  /// By address, then by length.
  public static func < (left: Self, right: Self) -> Bool {
    left.address == right.address ? left.length < right.length : left.address < right.address
  }

  /// Decodes the text form.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder) }
  /// Encodes the text form.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

extension IPPrefix: TextCoded {
  static var textKind: String { "an IP prefix" }
}
