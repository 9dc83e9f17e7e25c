// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Two sites of a mesh with the generations of their trunk keys: the same value at both ends.
public struct SitePair: Hashable, Sendable {
  /// One end.
  public struct End: Hashable, Sendable, Comparable {
    /// The site.
    public let site: SiteName
    /// The generation of its trunk key.
    public let generation: UInt32

    /// An end.
    public init(_ site: SiteName, generation: UInt32) {
      self.site = site
      self.generation = generation
    }

    /// By name.
    public static func < (left: Self, right: Self) -> Bool { left.site < right.site }
  }

  /// The mesh.
  public let mesh: MeshName
  /// The end whose name sorts first.
  public let first: End
  /// The other end.
  public let second: End

  /// A pair of two different sites.
  public init(mesh: MeshName, _ one: End, _ other: End) {
    self.mesh = mesh
    first = min(one, other)
    second = max(one, other)
  }
}
