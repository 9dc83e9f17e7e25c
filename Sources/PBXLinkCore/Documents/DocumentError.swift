// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Why a document was refused. Nothing is kept of a refused document.
public enum DocumentError: Error, Hashable, Sendable {
  /// Over ``JWS/sizeLimit``; not looked at.
  case tooLarge(bytes: Int)
  /// Not three base64url parts with dots between (RFC 7515 §7.1).
  case notJWS(reason: String)
  /// A protected header other than the one form allowed.
  case badHeader
  /// A document of another kind than the place calls for.
  case wrongKind(found: String, expected: String)
  /// The header names another key than the one that must sign.
  case unknownSigner(kind: DocumentKind, keyID: String)
  /// A key of small order or in a non-canonical encoding, under which anyone could sign.
  case weakKey(PublicKey)
  /// The signature does not fit the bytes.
  case badSignature(kind: DocumentKind)
  /// A key of the payload is missing or wrong; the whole payload when `key` is empty.
  case badPayload(kind: DocumentKind, key: String, reason: String)
  /// Signed by this mesh's authority, but for another mesh.
  case wrongMesh(found: MeshName, expected: MeshName)
  /// A descriptor announces extensions that its membership does not grant.
  case extensionNotGranted(ExtensionPattern, site: SiteName)
  /// A descriptor claims a tunnel address that its membership does not grant.
  case addressNotGranted(IPAddress, site: SiteName)
  /// A site has admitted another one beyond what the authority has delegated to it.
  case notDelegated(SiteName, by: SiteName)
  /// Extensions that would shadow an emergency number.
  case emergencyNumber(kind: DocumentKind, NumberPlanError)
}

extension DocumentError: CustomStringConvertible {
  /// What is wrong with the document and what to do.
  public var description: String {
    switch self {
    case .tooLarge(let bytes):
      "the document has \(bytes) bytes, over the limit of \(JWS.sizeLimit); announce fewer extensions or "
        + "endpoints"
    case .notJWS(let reason):
      "this is not a signed document (\(reason)); copy all of it, from 'eyJ' to the end of the line"
    case .badHeader:
      "the document's header is not pbxlink's; it comes from another program or was altered"
    case .wrongKind(let found, let expected):
      "this is a document of kind '\(found)', and \(expected) is expected here"
    case .unknownSigner(let kind, let keyID):
      "the \(kind.rawValue) is signed by key \(keyID), which is not the key that must sign it; it belongs to "
        + "another mesh or is forged"
    case .weakKey(let key):
      "the Ed25519 key \(key) is weak: anyone could sign for it; make a new key"
    case .badSignature(let kind):
      "the signature of the \(kind.rawValue) is wrong: it was altered or forged; fetch it again from its site"
    case .badPayload(let kind, "", let reason):
      "the \(kind.rawValue) cannot be read: \(reason)"
    case .badPayload(let kind, let key, let reason):
      "the \(kind.rawValue) cannot be read: key '\(key)': \(reason)"
    case .wrongMesh(let found, let expected):
      "the document is for mesh '\(found)'; this is mesh '\(expected)'"
    case .extensionNotGranted(let pattern, let site):
      "site '\(site)' announces extensions \(pattern), which its membership does not grant; the authority "
        + "must grant them first"
    case .addressNotGranted(let address, let site):
      "site '\(site)' claims tunnel address \(address), which its membership does not grant"
    case .notDelegated(let site, let inviter):
      "site '\(inviter)' has admitted '\(site)' with extensions, addresses or roles that the authority has not "
        + "let it grant"
    case .emergencyNumber(let kind, let error): "the \(kind.rawValue) is refused: \(error)"
    }
  }
}
