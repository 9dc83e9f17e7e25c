// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Why a line is not an invitation to use.
public enum InvitationError: Error, Hashable, Sendable {
  /// No invitation at all.
  case notAnInvitation
  /// An invitation in another version of the format.
  case otherVersion(String)
  /// The end is missing.
  case cutShort
  /// Complete, but not as it was signed.
  case altered
  /// Good, but too late.
  case expired(at: Timestamp)
  /// Signed as it is, but not readable by this version.
  case unreadable(DocumentError)
}

extension InvitationError: CustomStringConvertible {
  /// What is wrong with the line and what to do.
  public var description: String {
    switch self {
    case .notAnInvitation:
      "this is not an invitation: an invitation is one line that begins with 'pbxlink1.'"
    case .otherVersion(let version):
      "the invitation has format '\(version)', and this pbxlink knows 'pbxlink1'; use the same release on "
        + "both sites"
    case .cutShort: "the invitation is cut short; copy the whole line"
    case .altered: "the invitation was altered on its way; copy it again from where it was made"
    case .expired(let at): "the invitation expired at \(at); ask for a new one (pbxlink add-site)"
    case .unreadable(let error): "the invitation cannot be used: \(error)"
    }
  }
}

extension Invitation {
  private static let prefix = "pbxlink1."
  /// An Ed25519 signature in base64url.
  private static let signatureLength = 86

  /// The line to hand over; throws what `check` and the signer throw. The signer must be
  /// ``signer``, or the authority where that is nil.
  public func text(signedBy signer: any Signer, using cryptography: any Cryptography) throws -> String {
    Self.prefix + (try signed(by: signer, using: cryptography))
  }

  /// Reads a line. White space is ignored wherever a mail program or a terminal put it.
  public static func parse(
    _ line: String, now: Timestamp, using cryptography: any Cryptography
  ) throws(InvitationError) -> Invitation {
    let text = line.filter { !$0.isWhitespace }
    guard text.hasPrefix(prefix) else {
      guard text.hasPrefix("pbxlink"), let dot = text.firstIndex(of: "."), text[..<dot].count <= 12,
        case let digits = text[..<dot].dropFirst(7), !digits.isEmpty, digits.allSatisfy(\.isNumber)
      else { throw .notAnInvitation }
      throw .otherVersion(String(text[..<dot]))
    }
    let jwsText = String(text.dropFirst(prefix.count))
    let parts = jwsText.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count > 2, parts[2].count >= signatureLength else { throw .cutShort }
    let payload: [UInt8]
    do {
      let jws = try JWS(jwsText)
      let claim: SignerClaim = try decodePayload(jws.unverifiedPayload, kind: kind)
      payload = try jws.payload(
        kind: kind, signedBy: claim.signer ?? claim.authority, using: cryptography)
    } catch {
      throw .altered
    }
    let invitation: Invitation
    do { invitation = try Invitation(payload: payload) } catch { throw .unreadable(error) }
    guard now < invitation.expiresAt else { throw .expired(at: invitation.expiresAt) }
    return invitation
  }

  private struct SignerClaim: Decodable {
    let authority: PublicKey
    let signer: PublicKey?
  }
}
