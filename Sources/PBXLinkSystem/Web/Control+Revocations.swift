// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Control {
  /// The revocations, the newest first.
  public struct RevocationsAnswer: Sendable, Codable {
    /// The form of this document.
    public var schema = "pbxlink.revocations/1"
    /// One for each identity that is out.
    public let revocations: [RevocationEntry]
  }

  /// A revocation and who has applied it.
  public struct RevocationEntry: Sendable, Codable {
    /// The site that it was.
    public let site: String
    /// Its identity's public key.
    public let identity: String
    /// When it was revoked, RFC 3339.
    public let at: String
    /// Why.
    public let reason: String
    /// The sites that say they have cut it off.
    public let applied: [String]
    /// The sites that have not said so, and can be reached.
    public let waiting: [String]
    /// The sites that have not said so, and cannot be reached.
    public let unreachable: [String]
  }
}
