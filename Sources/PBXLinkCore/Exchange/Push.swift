// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Sites that a push leaves to its receiver, because the sender has no link to them that works.
public struct Errand: Hashable, Sendable, Codable {
  /// Those to send the documents to.
  public var push: [SiteName]
  /// Those to ask first: another receiver is to send to them, if it can.
  public var offer: [SiteName]

  /// An errand.
  public init(push: [SiteName] = [], offer: [SiteName] = []) {
    self.push = push
    self.offer = offer
  }

  /// How many sites it names.
  public var count: Int { push.count + offer.count }
}

/// New documents on their way to the other sites.
public struct Push: Hashable, Sendable {
  /// Who is to be told.
  public enum Audience: Hashable, Sendable {
    /// Every linked site; those out of reach through others.
    case everyone
    /// The sites that the sender left to us.
    case errand(Errand)
    /// Some that may not know yet: found by a comparison or an offer, which others may make at the same time.
    case neighbours
  }

  /// JWS compact, verbatim.
  public let documents: [String]
  /// Who is to be told.
  public let audience: Audience
  /// The site that they came from.
  public let except: SiteName?

  /// Documents for everyone.
  public init(_ documents: [String], to audience: Audience = .everyone, except: SiteName? = nil) {
    self.documents = documents
    self.audience = audience
    self.except = except
  }
}

/// What one site is to be sent of a push.
public struct Delivery: Hashable, Sendable {
  /// The site.
  public let site: Site
  /// Whether to ask by hashes first and send only what it lacks.
  public let isOffer: Bool
  /// What the site is asked to do; nil when it is to find out for itself.
  public let errand: Errand?
}
