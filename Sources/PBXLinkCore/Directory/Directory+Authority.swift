// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Directory {
  /// The authority's key now: what it has signed counts.
  public var authority: PublicKey { chain.current }
  /// The authority's recovery key; nil where none is known.
  public var recoveryKey: PublicKey? { chain.recovery }

  /// The number of the authority, the founder's being 1, as far as it is known here.
  public var authorityNumber: Int { Set(chain.readable).count }

  /// The key that has signed a document held.
  public func signer(of record: Record) -> PublicKey? {
    switch record.kind {
    case .succession: chain.signer(of: record.version)
    case .membership: SiteName(record.subject).flatMap { inviters[$0]?.identity } ?? authority
    case .descriptor: PublicKey(record.subject)
    case .revocations, .charter: authority
    case .invitation, .request, .answer: nil
    }
  }

  /// The site that a document held is about.
  public func site(of record: Record) -> SiteName? {
    switch record.kind {
    case .membership: SiteName(record.subject)
    case .descriptor: PublicKey(record.subject).flatMap(membership)?.content.site
    case .succession, .charter, .revocations, .invitation, .request, .answer: nil
    }
  }

  /// Whether all that the authority signed when it took over is here. Until then members are missing.
  var isComplete: Bool {
    guard let succession = chain.successions.last?.content else { return true }
    return memberships.count >= succession.memberships && revoked.count >= succession.revoked
  }

  /// Documents in an order in which each one's signer is known when its turn comes.
  static func inOrderOfTrust(_ documents: [String]) -> [String] {
    let kinds = documents.map(JWS.kind(of:))
    func only(_ isWanted: (DocumentKind?) -> Bool) -> [String] {
      zip(documents, kinds).filter { isWanted($0.1) }.map(\.0)
    }
    return only { $0 == .succession } + only { $0 == .charter }
      + only { $0 != .succession && $0 != .charter }
  }

  /// The members that a site has admitted, also those whose membership the authority has signed since.
  func admitted(by site: SiteName) -> [Membership] { members.filter { $0.admittedBy == site } }

  /// Whether only the inviter has signed a member's membership, so that the member falls with it.
  func hangsOnInviter(_ site: SiteName) -> Bool { inviters[site] != nil }
}
