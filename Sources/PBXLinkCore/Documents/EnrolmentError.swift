// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Why a site is not enrolled by files, with what to do about it.
public enum EnrolmentError: Error, Hashable, Sendable {
  /// A request that is older than its validity.
  case requestExpired(Timestamp)
  /// The server behind the request is a site already, with something else.
  case alreadyAdmitted(SiteName, [ExtensionPattern], [Role])
  /// This server has made no request.
  case noRequest
  /// The answer is for the server with the first fingerprint, and ours is the second.
  case foreignAnswer(String, ours: String)
  /// The membership in the answer is over.
  case membershipOver(SiteName, Timestamp)
  /// The answer's own documents revoke the site.
  case revoked(SiteName)
}

extension EnrolmentError: CustomStringConvertible {
  /// What is wrong and what to do.
  public var description: String {
    switch self {
    case .requestExpired(let at):
      "the request was to be used until \(at); make a new one there (pbxlink join --request FILE)"
    case .alreadyAdmitted(let site, let extensions, let roles):
      "the server is site '\(site)' already, with extensions "
        + (extensions.isEmpty ? "none" : extensions.map(\.description).joined(separator: " "))
        + (roles.isEmpty ? "" : " and as \(roles.map(\.rawValue).joined(separator: ", "))")
        + "; ask for just that again, or first remove the site (pbxlink remove-site \(site))"
    case .noRequest:
      "this server has made no request that it could be the answer to; make one first (pbxlink join --request FILE)"
    case .foreignAnswer(let found, let ours):
      "the answer is for the server with fingerprint \(found), and this one's is \(ours); take the answer that was "
        + "made for this server's request"
    case .membershipOver(let site, let at):
      "the membership of '\(site)' in it ended at \(at); have a new answer made (pbxlink add-site --request)"
    case .revoked(let site):
      "the authority has revoked this server as site '\(site)'; run 'pbxlink uninstall', then make a new request"
    }
  }
}
