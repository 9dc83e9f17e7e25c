// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Control {
  /// `authority recovery-key`.
  public struct RecoveryKeyAnswer: Sendable, Codable {
    /// The form of this document.
    public var schema = "pbxlink.recovery_key/1"
    /// The mesh's name.
    public let mesh: String
    /// The authority's public key.
    public let authority: String
    /// The private key, for paper. It is kept nowhere.
    public let recoveryKey: String

    enum CodingKeys: String, CodingKey {
      case schema, mesh, authority
      case recoveryKey = "recovery_key"
    }
  }

  /// `authority recover`.
  public struct RecoverRequest: Sendable, Codable {
    /// The recovery key from paper.
    public let recoveryKey: String

    /// A request.
    public init(recoveryKey: String) { self.recoveryKey = recoveryKey }

    enum CodingKeys: String, CodingKey {
      case recoveryKey = "recovery_key"
    }
  }

  /// What a new authority has come to.
  public struct RecoverAnswer: Sendable, Codable {
    /// The form of this document.
    public var schema = "pbxlink.recovery/1"
    /// The mesh's name.
    public let mesh: String
    /// The new authority's public key.
    public let authority: String
    /// The new recovery key, for paper. It is kept nowhere; the one used is spent.
    public let recoveryKey: String
    /// The sites that have been admitted anew.
    public let sites: [String]
    /// What could not be changed here.
    public let problems: [String]

    enum CodingKeys: String, CodingKey {
      case schema, mesh, authority, sites, problems
      case recoveryKey = "recovery_key"
    }
  }

  /// `grant`; what is left out stays as it is.
  public struct GrantRequest: Sendable, Codable {
    /// The site's name.
    public let site: String
    /// What it may announce: patterns and ranges.
    public let extensions: [String]?
    /// Whether it may relay.
    public let relay: Bool?
    /// Within what it may admit sites; empty for not at all.
    public let invite: [String]?

    /// A request.
    public init(site: String, extensions: [String]?, relay: Bool?, invite: [String]?) {
      self.site = site
      self.extensions = extensions
      self.relay = relay
      self.invite = invite
    }
  }
}
