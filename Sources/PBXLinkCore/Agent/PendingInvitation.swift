// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// An invitation that this site has issued and that still opens its throw-away tunnel.
public struct PendingInvitation: Hashable, Sendable, Codable {
  /// The throw-away OpenVPN path.
  public struct OpenVPN: Hashable, Sendable, Codable {
    /// The address of the new site there; it reaches the exchange and nothing else.
    public let address: IPAddress
    /// The certificate of the throw-away key.
    public let certificate: CertificateFingerprint
  }

  /// The name the new site will have.
  public let site: SiteName
  /// The throw-away tunnel key that is allowed in.
  public let tunnelKey: PublicKey
  /// The throw-away tunnel address; it reaches the exchange and nothing else.
  public let tunnelAddress: IPAddress
  /// The throw-away OpenVPN path; nil when we had none to offer.
  public var openVPN: OpenVPN?
  /// The tunnel addresses kept for the new site.
  public let addresses: [IPAddress]
  /// The extensions the new site may announce.
  public let extensions: [ExtensionPattern]
  /// The roles the new site gets.
  public let roles: [Role]
  /// What the new site may admit others with; nil for nothing.
  public var delegation: Delegation?
  /// SHA-256 of the one-time secret, base64url; the secret itself is in the invitation only.
  public let secretHash: String
  /// When the invitation stops working.
  public let expires: Timestamp
  /// Who redeemed it; the same identity may ask again, nobody else.
  public var redeemedBy: PublicKey?

  /// The addresses from which it can be redeemed.
  public var throwAwayAddresses: [IPAddress] { [tunnelAddress] + (openVPN.map { [$0.address] } ?? []) }
}
