// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a site may do beyond having extensions. Roles that this version does not know are kept.
public struct Role: RawRepresentable, Hashable, Sendable, Codable, Comparable {
  /// The name in documents.
  public let rawValue: String
  /// A role by its name.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Forwards calls and packets for sites that cannot reach each other.
  public static let relay = Self(rawValue: "relay")
  /// Lets invited sites in through its tunnel.
  public static let inviter = Self(rawValue: "inviter")

  /// By name.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
