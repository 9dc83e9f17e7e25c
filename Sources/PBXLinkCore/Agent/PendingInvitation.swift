// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// An invitation that this site has issued and that still opens its throw-away tunnel.
public struct PendingInvitation: Hashable, Sendable, Codable {
  /// The name the new site will have.
  public let site: SiteName
  /// The throw-away tunnel key that is allowed in.
  public let tunnelKey: PublicKey
  /// The throw-away tunnel address; it reaches the exchange and nothing else.
  public let tunnelAddress: IPAddress
  /// The tunnel addresses kept for the new site.
  public let addresses: [IPAddress]
  /// The extensions the new site may announce.
  public let extensions: [ExtensionPattern]
  /// The roles the new site gets.
  public let roles: [Role]
  /// SHA-256 of the one-time secret, base64url; the secret itself is in the invitation only.
  public let secretHash: String
  /// When the invitation stops working.
  public let expires: Timestamp
  /// Who redeemed it; the same identity may ask again, nobody else.
  public var redeemedBy: PublicKey?
}
