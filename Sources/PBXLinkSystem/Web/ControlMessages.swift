// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The messages between the command and its agent: JSON over HTTP on a Unix socket, see docs/formats.md.
public enum Control {
  /// `init`.
  public struct FoundRequest: Sendable, Codable {
    /// The mesh's name.
    public let mesh: String
    /// This site's name.
    public let site: String
    /// The IPv4 prefix of the tunnel addresses.
    public let network: String

    /// A request.
    public init(mesh: String, site: String, network: String) {
      self.mesh = mesh
      self.site = site
      self.network = network
    }
  }

  /// What `init` and `join` have come to.
  public struct MemberAnswer: Sendable, Codable {
    /// The mesh's name.
    public let mesh: String
    /// The authority's public key.
    public let authority: String
    /// This site's name.
    public let site: String
    /// Its tunnel addresses.
    public let addresses: [String]
    /// The extensions that it may announce.
    public let extensions: [String]
    /// What could not be brought up yet; the agent goes on trying.
    public let problems: [String]
    /// The recovery key, for paper, of a mesh that was just made. It is kept nowhere.
    public var recoveryKey: String?

    enum CodingKeys: String, CodingKey {
      case mesh, authority, site, addresses, extensions, problems
      case recoveryKey = "recovery_key"
    }
  }

  /// `add-site`.
  public struct InviteRequest: Sendable, Codable {
    /// The new site's name.
    public let site: String
    /// What it may announce: patterns and ranges.
    public let extensions: [String]
    /// Seconds that the invitation is valid.
    public let lifetime: Int64
    /// Whether it may relay calls between others.
    public let relay: Bool
    /// Within what it may admit sites itself; nil for not at all.
    public let invite: [String]?

    /// A request.
    public init(site: String, extensions: [String], lifetime: Int64, relay: Bool, invite: [String]? = nil) {
      self.invite = invite
      self.site = site
      self.extensions = extensions
      self.lifetime = lifetime
      self.relay = relay
    }
  }

  /// The invitation and what to type on the other server.
  public struct InviteAnswer: Sendable, Codable {
    /// The form of this document.
    public var schema = "pbxlink.invitation/1"
    /// The new site's name.
    public let site: String
    /// The tunnel address kept for it.
    public let address: String
    /// RFC 3339.
    public let expires: String
    /// One line of text; it is a secret until it is used.
    public let invitation: String
    /// The command for the other server, word by word.
    public let command: [String]
    /// What could not be brought up here; the new site may not get through until it is.
    public let problems: [String]
  }

  /// `join`.
  public struct JoinRequest: Sendable, Codable {
    /// The line that `add-site` printed.
    public let invitation: String

    /// A request.
    public init(invitation: String) { self.invitation = invitation }
  }

  /// `apply`.
  public struct ApplyRequest: Sendable, Codable {
    /// Whether the clock is right although a later time was seen before.
    public let acceptClock: Bool

    /// Whether to sign again after a restore although no other site could be asked.
    public let acceptSerials: Bool?

    /// A request.
    public init(acceptClock: Bool, acceptSerials: Bool = false) {
      self.acceptClock = acceptClock
      self.acceptSerials = acceptSerials
    }

    enum CodingKeys: String, CodingKey {
      case acceptClock = "accept_clock"
      case acceptSerials = "accept_serials"
    }
  }

  /// `remove-site`.
  public struct RemoveRequest: Sendable, Codable {
    /// The site's name.
    public let site: String
    /// Why, for the record that all sites keep.
    public let reason: String
    /// Whether the sites that it has admitted go with it; nil for no.
    public let withAdmitted: Bool?

    /// A request.
    public init(site: String, reason: String, withAdmitted: Bool = false) {
      self.withAdmitted = withAdmitted
      self.site = site
      self.reason = reason
    }

    enum CodingKeys: String, CodingKey {
      case site, reason
      case withAdmitted = "with_admitted"
    }
  }

  /// What was done, for commands that have nothing else to say.
  public struct DoneAnswer: Sendable, Codable {
    /// Sentences for people.
    public let messages: [String]

    /// An answer.
    public init(messages: [String]) { self.messages = messages }
  }

  /// Documents to take in.
  public struct ImportRequest: Sendable, Codable {
    /// JWS compact, verbatim.
    public let documents: [String]

    /// Documents.
    public init(documents: [String]) { self.documents = documents }
  }

  /// The documents of the directory.
  public struct DocumentsAnswer: Sendable, Codable {
    /// The form of this document.
    public var schema = "pbxlink.documents/1"
    /// The mesh's name.
    public let mesh: String
    /// The authority's public key.
    public let authority: String
    /// The name of this site.
    public let site: String
    /// Who rules first, then revocations, memberships and descriptors.
    public let documents: [DocumentEntry]
  }

  /// One document with the key that verifies it.
  public struct DocumentEntry: Sendable, Codable {
    /// succession, charter, revocations, membership or descriptor.
    public let kind: String
    /// The site that it is about; null for what is about none.
    public let site: String?
    /// Its serial.
    public let serial: UInt64
    /// JWS compact, verbatim.
    public let jws: String
    /// The signer's key as a JWK (RFC 8037).
    public let jwk: JSONWebKey
  }

  /// An Ed25519 public key as RFC 8037 section 2 writes it.
  public struct JSONWebKey: Sendable, Codable {
    /// Octet key pair.
    public var kty = "OKP"
    /// The curve.
    public var crv = "Ed25519"
    /// The key, base64url.
    public let x: String
  }

  /// What became of imported documents.
  public struct ImportAnswer: Sendable, Codable {
    /// How many were new.
    public let accepted: Int
    /// Why others were refused.
    public let refused: [String]
  }

  /// `sites`.
  public struct SitesAnswer: Sendable, Codable {
    /// The form of this document.
    public var schema = "pbxlink.sites/1"
    /// All sites of the mesh.
    public let sites: [SiteEntry]
  }

  /// One site of the mesh.
  public struct SiteEntry: Sendable, Codable {
    /// Its name.
    public let name: String
    /// Its identity's public key.
    public let identity: String
    /// Its tunnel addresses.
    public let addresses: [String]
    /// What it may announce.
    public let extensions: [String]
    /// Its roles.
    public let roles: [String]
    /// The extensions within which it may admit sites; nil for none.
    public var mayAdmit: [String]?
    /// The site that admitted it; nil for the authority.
    public var admittedBy: String?
    /// member, expired, conflict, invited or revoked.
    public let standing: String
    /// When its membership ends, RFC 3339.
    public let notAfter: String?
    /// More about the standing.
    public let remark: String?

    enum CodingKeys: String, CodingKey {
      case name, identity, addresses, extensions, roles, standing, remark
      case notAfter = "not_after"
      case mayAdmit = "may_admit"
      case admittedBy = "admitted_by"
    }
  }
}
