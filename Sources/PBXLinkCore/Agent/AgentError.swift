// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Why the agent refuses a command, with what to do about it.
public enum AgentError: Error, Hashable, Sendable {
  case notAuthority(verb: String, holders: [SiteName] = [])
  case authorityForeign(found: PublicKey, authority: PublicKey)
  case authorityNeeded(by: SiteName, until: Timestamp)
  case restored(verb: String, backup: Timestamp)
  case siteNameInvalid(String)
  case siteTaken(SiteName)
  case siteUnknown(SiteName)
  case siteIsOurs(SiteName)
  case siteRevoked(SiteName)
  case addressesExhausted(IPPrefix)
  case networkUnsuitable(IPPrefix, reason: String)
  case endpointMissing
  case invitationUnknown
  case invitationSecretWrong
  case invitationExpired(SiteName, Timestamp)
  case invitationRedeemed(SiteName)
  case membershipForeign(reason: String)
  case extensionsNotGranted([ExtensionPattern], granted: [ExtensionPattern])
  case rotationUnderWay(since: Timestamp)
  case rotationNotUnderWay
  case rotationLeavesBehind([SiteName])
  case extensionsAreOurs
  case delegationToAuthority(SiteName)
  case lastInviter(SiteName)
  case recoveryKeyWrong(isKnown: Bool)
  case authorityRefused(PublicKey, isComplete: Bool)
  case notARelay(SiteName)
  case signing(String)
}

extension AgentError: CustomStringConvertible {
  /// What failed, on what, and what to do.
  public var description: String {
    switch self {
    case .notAuthority(let verb, let holders):
      "\(verb) needs the mesh's authority key, which this site does not hold. "
        + (holders.isEmpty
          ? "No site of this mesh says that it holds it: bring it here with 'pbxlink authority import FILE'."
          : "Run it at \(holders.map { "'\($0)'" }.joined(separator: " or ")), or bring the key here with "
            + "'pbxlink authority import FILE'.")
    case .authorityForeign(let found, let authority):
      "The key in the file is \(found), which is not the authority of this mesh (\(authority)). "
        + "Nothing was changed."
    case .authorityNeeded(let site, let until):
      "The invitation for '\(site)' needs the authority key here until it is used or expires at \(until). Wait, "
        + "or withdraw it with 'pbxlink remove-site \(site)'."
    case .restored(let verb, let backup):
      "\(verb) must wait: this site was restored from the backup of \(backup) and has not reached another site "
        + "since, so it does not know what was signed after it. It goes on by itself once a link is up; if no other "
        + "site is left, run 'pbxlink apply --accept-serials'."
    case .siteNameInvalid(let text):
      "'\(text)' is not a site name: use 1 to 63 of a-z, 0-9 and inner hyphens, such as 'paris' or 'lyon-2'."
    case .siteTaken(let site):
      "The name '\(site)' is taken in this mesh. Choose another, or run 'pbxlink remove-site \(site)' first."
    case .siteUnknown(let site): "No site '\(site)' in this mesh. 'pbxlink sites' lists them."
    case .siteIsOurs(let site):
      "'\(site)' is this site itself. To leave the mesh, revoke it from another site that holds the authority, "
        + "or run 'pbxlink uninstall' here."
    case .siteRevoked(let site): "The site '\(site)' is revoked already."
    case .addressesExhausted(let network):
      "No tunnel address is free in \(network). Remove sites that are no longer used."
    case .networkUnsuitable(let network, let reason):
      "The mesh network \(network) cannot be used: \(reason). Choose another with --network."
    case .endpointMissing:
      "This site has no public endpoint, so a new site could not reach it. Set 'tunnel: endpoints:' in the site "
        + "file to the address or DNS name and UDP port that the Internet reaches it at, then run "
        + "'systemctl reload pbxlink'."
    case .invitationUnknown: "The invitation is not known here: it was used, has expired or was withdrawn."
    case .invitationSecretWrong: "The invitation's one-time secret is wrong."
    case .invitationExpired(let site, let when):
      "The invitation for '\(site)' expired at \(when). Run 'pbxlink add-site \(site)' again."
    case .invitationRedeemed(let site):
      "The invitation for '\(site)' was already used by another server. If that was not you, run "
        + "'pbxlink remove-site \(site)' at once and add the site again."
    case .membershipForeign(let reason): "The answer to the invitation cannot be trusted: \(reason)."
    case .extensionsNotGranted(let patterns, let granted):
      "The site file announces \(list(patterns)), but this site was granted \(list(granted)). Correct "
        + "'numbers: extensions:', or have the site added again with these extensions."
    case .rotationUnderWay(let since):
      "A rotation of keys is under way since \(since); 'pbxlink status' tells what it waits for."
    case .rotationNotUnderWay: "No rotation of keys is under way."
    case .rotationLeavesBehind(let sites):
      "\(sites.map { "'\($0)'" }.joined(separator: ", ")) could not follow a change of keys: out of reach, or its "
        + "pbxlink is too old. It would find this site again only through a third one. Wait until it is up, or say "
        + "--leave-behind."
    case .extensionsAreOurs:
      "This site's own extensions follow its site file: change 'numbers: extensions:' there, then run "
        + "'systemctl reload pbxlink'."
    case .delegationToAuthority(let site):
      "'\(site)' holds the authority and may admit any site; there is nothing to delegate to it."
    case .lastInviter(let site):
      "'\(site)' is the last site that may admit others, so it is not removed. Let another one do that first: "
        + "'pbxlink grant SITE --invite 5XX', or bring the authority there (pbxlink authority)."
    case .recoveryKeyWrong(true):
      "This is not the recovery key of this mesh's authority: it was used before, is of another mesh, or "
        + "was named while this site was out of reach. 'pbxlink status' shows the mesh's name."
    case .recoveryKeyWrong(false):
      "This site knows of no recovery key in this mesh. The site that holds the authority names one with "
        + "'pbxlink authority recovery-key'."
    case .authorityRefused(let key, true):
      "the mesh has a new authority, \(key), which has not admitted this site; links stay as they are here. "
        + "Have this site added again there, then run 'pbxlink uninstall' and join."
    case .authorityRefused(let key, false):
      "the documents of the new authority \(key) are not complete yet; links stay as they are until they are"
    case .notARelay(let site):
      "'\(site)' is no relay: give it the role with 'pbxlink grant \(site) --relay'."
    case .signing(let reason): "Signing failed: \(reason)"
    }
  }

  private func list(_ patterns: [ExtensionPattern]) -> String {
    patterns.isEmpty ? "no extensions" : patterns.map(\.description).joined(separator: ", ")
  }
}
