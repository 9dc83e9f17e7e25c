// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Control {
  /// `join --request`.
  public struct RequestRequest: Sendable, Codable {
    /// The name that the site would like.
    public let site: String?

    /// A request.
    public init(site: String?) { self.site = site }
  }

  /// A request to be carried to the authority.
  public struct RequestAnswer: Sendable, Codable {
    /// The form of this document.
    public var schema = "pbxlink.request/1"
    /// What the two admins compare.
    public let fingerprint: String
    /// JWS compact.
    public let request: String
  }

  /// `add-site --request`.
  public struct EnrolRequest: Sendable, Codable {
    /// The new site's name.
    public let site: String
    /// What it may announce: patterns and ranges.
    public let extensions: [String]
    /// Whether it may relay calls between others.
    public let relay: Bool
    /// The request, JWS compact.
    public let request: String

    /// A request.
    public init(site: String, extensions: [String], relay: Bool, request: String) {
      self.site = site
      self.extensions = extensions
      self.relay = relay
      self.request = request
    }
  }

  /// The answer to be carried back.
  public struct EnrolAnswer: Sendable, Codable {
    /// The form of this document.
    public var schema = "pbxlink.enrolment/1"
    /// The new site's name.
    public let site: String
    /// Its IPv4 tunnel address.
    public let address: String
    /// What the two admins compare before the answer is used.
    public let authorityFingerprint: String
    /// The documents, JWS compact, the answer first.
    public let answer: [String]
    /// What could not be brought up here.
    public let problems: [String]

    enum CodingKeys: String, CodingKey {
      case schema, site, address, answer, problems
      case authorityFingerprint = "authority_fingerprint"
    }
  }

  /// `join` with an answer.
  public struct AnswerRequest: Sendable, Codable {
    /// JWS compact, the answer first.
    public let documents: [String]

    /// A request.
    public init(documents: [String]) { self.documents = documents }
  }
}
