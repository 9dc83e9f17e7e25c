// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Which of the key files are in use, and a rotation that is under way. Files of higher generations are keys that
/// nobody has been told of, or that come next.
public struct KeyGenerations: Hashable, Sendable, Codable {
  /// A rotation that is under way.
  public struct Rotation: Hashable, Sendable, Codable {
    /// The generation of the new trunk key.
    public let trunk: UInt32
    /// When it began.
    public let begunAt: Timestamp
    /// The serial of the descriptor that announces the new trunk key; nil until Asterisk takes calls by it.
    public var announcedBy: UInt64?

    /// A rotation that begins.
    public init(trunk: UInt32, begunAt: Timestamp) {
      self.trunk = trunk
      self.begunAt = begunAt
    }

    enum CodingKeys: String, CodingKey {
      case trunk
      case begunAt = "begun_at"
      case announcedBy = "announced_by"
    }
  }

  /// The WireGuard key in use; the next generation is known to the peers already.
  public var tunnel: UInt32 = 1
  /// The trunk key in use; older than that of a rotation.
  public var trunk: UInt32 = 1
  /// The oldest trunk key by which calls are taken; nil when that is the one in use. Calls that were being set up
  /// when a rotation ended may still need it.
  public var oldestTrunk: UInt32?
  /// When the last rotation ended; nil before the first.
  public var rotatedAt: Timestamp?
  /// The rotation that is under way.
  public var rotation: Rotation?

  /// The first keys.
  public init() {}

  /// The trunk keys by which calls are taken.
  public var acceptedTrunks: ClosedRange<UInt32> { (oldestTrunk ?? trunk)...(rotation?.trunk ?? trunk) }

  enum CodingKeys: String, CodingKey {
    case tunnel, trunk, rotation
    case oldestTrunk = "oldest_trunk"
    case rotatedAt = "rotated_at"
  }
}
