// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The name of a mesh: a DNS label, like a ``SiteName``.
public struct MeshName: Hashable, Sendable, LosslessStringConvertible, CustomStringConvertible, Codable {
  /// The label.
  public let description: String

  /// A name, or nil when the text is not a lower-case DNS label.
  public init?(_ text: String) {
    guard SiteName.isLabel(text) else { return nil }
    description = text
  }

  /// Decodes the label.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder) }
  /// Encodes the label.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

/// What makes a mesh: its name, and the key that admits sites to it and revokes them.
public struct MeshIdentity: Hashable, Sendable, Codable {
  /// The name.
  public let name: MeshName
  /// The Ed25519 key of the authority under which this site came in: what trust begins with.
  public let authority: PublicKey
  /// That authority's recovery key; nil where it was not known then. Known from the start, it outranks any that
  /// the authority names later, so that a stolen authority key cannot replace it.
  public let recovery: PublicKey?

  /// A mesh.
  public init(name: MeshName, authority: PublicKey, recovery: PublicKey? = nil) {
    self.name = name
    self.authority = authority
    self.recovery = recovery
  }

  /// Throws ``DocumentError/wrongMesh(found:expected:)`` for a document of another mesh.
  func check(_ name: MeshName) throws(DocumentError) {
    guard name == self.name else { throw .wrongMesh(found: name, expected: self.name) }
  }
}

extension MeshName: TextCoded {
  static var textKind: String { "a mesh name (1 to 63 of a-z, 0-9 and inner hyphens)" }
}
