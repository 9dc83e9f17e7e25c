// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What an authority lets a site do in its place: admit other sites.
public struct Delegation: Hashable, Sendable, Codable {
  /// The extensions that it may grant.
  public var extensions: [ExtensionPattern]
  /// The mesh's networks, from which it may give tunnel addresses.
  public var networks: [IPPrefix]

  /// What a site may grant.
  public init(extensions: [ExtensionPattern], networks: [IPPrefix]) {
    self.extensions = extensions.sorted()
    self.networks = networks
  }

  /// Whether a membership stays within it: extensions, addresses, and no power of its own.
  func covers(_ membership: Membership) -> Bool {
    membership.roles.isEmpty && membership.delegation == nil
      && membership.extensions.allSatisfy(extensions.covers)
      && membership.addresses.allSatisfy { address in networks.contains { $0.contains(address) } }
  }
}

/// A membership whose signatures are known to be good, up to an authority.
struct VerifiedMembership {
  /// What it says.
  let content: Membership
  /// The JWS.
  let text: String
  /// The authority that signed it, or that signed the inviter's membership.
  let authority: PublicKey
  /// The site that signed it in the authority's place, and the text of that site's membership.
  let inviter: (content: Membership, text: String)?
}

extension Membership {
  /// A membership signed by one of these authorities, or by a site to which one of them has delegated that.
  static func verified(
    _ text: String, by authorities: [PublicKey], using cryptography: any Cryptography
  ) throws(DocumentError) -> VerifiedMembership {
    let jws = try JWS(text)
    guard jws.kind == kind.rawValue else { throw .wrongKind(found: jws.kind, expected: kind.rawValue) }
    if let authority = jws.signer(among: authorities, using: cryptography) {
      let content = try read(jws.payload(kind: kind, named: authority, using: cryptography))
      try content.check()
      return VerifiedMembership(content: content, text: text, authority: authority, inviter: nil)
    }
    // Only the inviter's membership says whose signature to expect, so it alone is read first.
    let claim: InviterClaim = try decodePayload(jws.unverifiedPayload, kind: kind)
    guard let inviterText = claim.inviter else { throw .unknownSigner(kind: kind, keyID: jws.keyID) }
    let inviterJWS = try JWS(inviterText)
    guard let authority = inviterJWS.signer(among: authorities, using: cryptography) else {
      throw .unknownSigner(kind: kind, keyID: inviterJWS.keyID)
    }
    let inviter = try verified(inviterText, by: authority, using: cryptography)
    let content = try verified(text, by: inviter.identity, using: cryptography)
    guard content.mesh == inviter.mesh else { throw .wrongMesh(found: content.mesh, expected: inviter.mesh) }
    guard inviter.mayAdmit(content), content.admittedBy == inviter.site else {
      throw .notDelegated(content.site, by: inviter.site)
    }
    return VerifiedMembership(
      content: content, text: text, authority: authority, inviter: (inviter, inviterText))
  }

  /// Whether the authority has delegated the admission of such a site to this one.
  func mayAdmit(_ other: Membership) -> Bool {
    roles.contains(.inviter) && other.identity != identity && delegation?.covers(other) == true
  }

  private struct InviterClaim: Decodable {
    let inviter: String?
  }
}

extension JWS {
  /// Which of these keys the header says has signed. Nothing is verified by that.
  func signer(among keys: [PublicKey], using cryptography: any Cryptography) -> PublicKey? {
    keys.last { $0.thumbprint(using: cryptography) == keyID }
  }
}
