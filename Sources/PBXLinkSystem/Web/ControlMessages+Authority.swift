// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension Control {
  /// `uninstall`.
  public struct UninstallRequest: Sendable, Codable {
    /// Whether the mesh's authority key may go with the site although no copy was exported.
    public let abandonAuthority: Bool

    /// A request.
    public init(abandonAuthority: Bool) { self.abandonAuthority = abandonAuthority }

    enum CodingKeys: String, CodingKey {
      case abandonAuthority = "abandon_authority"
    }
  }

  /// `authority import`: the key itself, over the control socket only.
  public struct AuthorityKey: Sendable, Codable, CustomStringConvertible {
    /// 32 bytes in base64url.
    let secret: String

    init(_ key: Secret) { secret = Base64URL.encode(key.exposedBytes) }

    var key: Secret? { Base64URL.decode(secret).map(Secret.init) }

    /// Never the key.
    public var description: String { "<secret>" }
  }

  /// `authority show`.
  public struct AuthorityAnswer: Sendable, Codable {
    /// The form of this document.
    public var schema = "pbxlink.authority/1"
    /// The mesh's name.
    public let mesh: String
    /// The authority's public key.
    public let authority: String
    /// The name of this site.
    public let site: String
    /// Whether the key is held here.
    public let isHeldHere: Bool
    /// When a copy was last exported here, RFC 3339; null for never.
    public let exportedAt: String?
    /// The other sites that say that they can invite.
    public let otherInviters: [String]

    enum CodingKeys: String, CodingKey {
      case schema, mesh, authority, site
      case isHeldHere = "held_here"
      case exportedAt = "exported_at"
      case otherInviters = "other_inviters"
    }
  }
}
