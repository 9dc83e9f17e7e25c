// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

/// The messages of the exchange, JSON over HTTP inside the tunnel.
///
///     POST /v1/compare     CompareRequest   → CompareAnswer     anti-entropy: are the directories the same?
///     POST /v1/sync        SyncRequest      → SyncAnswer        compare digests, fetch what is newer
///     POST /v1/documents   DocumentsPush    → DocumentsAnswer   push on change
///     POST /v1/offer       OfferRequest     → OfferAnswer       ask before a push that others may make too
///     POST /v1/receipt     Receipt          → ReceiptAnswer     what has been applied, when that has changed
///     POST /v1/handover    HandoverRequest  → HandoverAnswer    before the tunnel key changes
///     POST /v1/endpoints   EndpointsRequest → EndpointsAnswer   where the asked site sees the tunnels of silent ones
///     POST /v1/relay       RelayRequest     → RelayAnswer       notes between sites that cannot reach each other
///     POST /v1/direct      DirectRequest    → DirectAnswer      before both ends leave a relay
///     POST /v1/relayed     RelayedRequest   → DirectAnswer      before both ends leave a poor way for a relay
///     POST /v1/join        JoinRequest      → JoinAnswer        redeem an invitation (throw-away tunnel only)
///
/// An agent that does not know `compare` or `offer` answers 404: then the digest or the documents are sent.
enum ExchangePath {
  static let compare = "/v1/compare"
  static let offer = "/v1/offer"
  static let sync = "/v1/sync"
  static let documents = "/v1/documents"
  static let receipt = "/v1/receipt"
  static let handover = "/v1/handover"
  static let endpoints = "/v1/endpoints"
  static let relay = "/v1/relay"
  static let direct = "/v1/direct"
  static let relayed = "/v1/relayed"
  static let links = "/v1/links"
  static let join = "/v1/join"
}

/// Largest body of a request or answer: 1,000 sites of two 16 KiB documents at the very most.
let exchangeBodyLimit = 32 << 20

/// Whether two directories are the same.
struct CompareRequest: Sendable, Codable {
  /// The hash of the asking site's summary.
  let hash: String
  /// What it has applied.
  let receipt: Receipt?
  /// Its time.
  let time: Timestamp?
}

/// What the asked site has, in a kilobyte; nothing when it is the same.
struct CompareAnswer: Sendable, Codable {
  let summary: DirectorySummary?
  let receipt: Receipt?
  let time: Timestamp?
}

/// What a site has.
public struct SyncRequest: Sendable, Codable {
  /// The newest documents it knows.
  public let digest: DirectoryDigest
  /// The buckets of the summary that this is about; nil for all.
  public var buckets: Set<Int>?
  /// What it has applied; nil from a version that does not say.
  public var receipt: Receipt?
  /// Its time; nil from a version that does not say.
  public var time: Timestamp?
}

/// What the asked site has, and what the asking one lacks.
public struct SyncAnswer: Sendable, Codable {
  /// The newest documents that the answering site knows.
  public let digest: DirectoryDigest
  /// Those that the asking site lacks.
  public let documents: [String]
  /// What it has applied; nil from a version that does not say.
  public var receipt: Receipt?
  /// Its time; nil from a version that does not say.
  public var time: Timestamp?
}

/// A receipt was taken.
struct ReceiptAnswer: Sendable, Codable {}

/// The asking site is about to change its tunnel key.
public struct HandoverRequest: Sendable, Codable {
  /// The key that it changes to.
  public let nextKey: PublicKey

  enum CodingKeys: String, CodingKey {
    case nextKey = "next_key"
  }
}

/// Whether it may do so now.
public struct HandoverAnswer: Sendable, Codable {
  /// Why not yet; nil when the answering site is prepared.
  public let wait: String?
}

/// New documents.
public struct DocumentsPush: Sendable, Codable {
  /// JWS compact, verbatim.
  public let documents: [String]
  /// Whom to pass new ones on to; nil from an older agent, or when others may bring them too.
  public var errand: Errand?
}

/// Documents that a site could send.
struct OfferRequest: Sendable, Codable {
  /// SHA-256 of each, in base64url.
  let hashes: [String]
}

/// Those that the asked site lacks.
struct OfferAnswer: Sendable, Codable {
  let wanted: [String]
}

/// What became of them.
public struct DocumentsAnswer: Sendable, Codable {
  /// How many were new.
  public let accepted: Int
  /// Why others were refused.
  public let refused: [String]
}

/// An error on either HTTP interface.
public struct ErrorAnswer: Sendable, Codable {
  /// What failed, on what, and what to do.
  public let error: String
  /// The exit code by sysexits.h.
  public let exitCode: Int32

  enum CodingKeys: String, CodingKey {
    case error
    case exitCode = "exit_code"
  }
}

/// Sites from which the asking one hears nothing.
public struct EndpointsRequest: Sendable, Codable {
  /// Their names.
  public let sites: [SiteName]
}

/// Where the asked site sees them.
public struct EndpointsAnswer: Sendable, Codable {
  /// Address and UDP port by name, of those whose tunnel works.
  public let endpoints: [String: Endpoint]
}
