// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Control {
  /// `rotate-keys`.
  public struct RotateRequest: Sendable, Codable {
    /// Whether to go on although there are sites that could not follow.
    public let leaveBehind: Bool

    /// A request.
    public init(leaveBehind: Bool) { self.leaveBehind = leaveBehind }

    enum CodingKeys: String, CodingKey {
      case leaveBehind = "leave_behind"
    }
  }

  /// How far the renewal of keys has come.
  public struct RotationAnswer: Sendable, Codable {
    /// The form of this document.
    public var schema = "pbxlink.rotation/1"
    /// Since when a rotation is under way, RFC 3339; null when none is.
    public let underWaySince: String?
    /// The sites that are up and have not taken over the new keys.
    public let waitsFor: [String]
    /// When the last rotation ended, RFC 3339; null before the first.
    public let rotatedAt: String?
    /// The WireGuard public key in use.
    public let tunnelKey: String
    /// Its generation, from 1.
    public let tunnelGeneration: UInt32
    /// The generation of the trunk key in use, from 1.
    public let trunkGeneration: UInt32

    enum CodingKeys: String, CodingKey {
      case schema
      case underWaySince = "under_way_since"
      case waitsFor = "waits_for"
      case rotatedAt = "rotated_at"
      case tunnelKey = "tunnel_key"
      case tunnelGeneration = "tunnel_generation"
      case trunkGeneration = "trunk_generation"
    }
  }
}
