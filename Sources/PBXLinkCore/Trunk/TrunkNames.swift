// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The names that pbxlink uses inside Asterisk. Everything that starts with ``peerPrefix`` in iax.conf and
/// with ``contextPrefix`` in extensions.conf is ours.
///
/// Asterisk cuts names at 79 characters (AST_MAX_CONTEXT, AST_MAX_EXTENSION); a site's name has at most 63.
public enum TrunkNames {
  /// What our sections in iax.conf start with.
  public static let peerPrefix = "plk_"
  /// What our contexts in extensions.conf start with.
  public static let contextPrefix = "plk-"
  /// The context that phone contexts include: calls to peers.
  public static let outbound = "plk-outbound"
  /// The subroutine that places one call to a peer.
  public static let call = "plk-call"
  /// The subroutine that lets a call from a peer in.
  public static let admit = "plk-admit"
  /// The subroutine that tries a call to a peer again by relays.
  public static let relayed = "plk-relayed"
  /// The context of a relay with what its peers reach through it.
  public static let transit = "plk-transit"
  /// What the caller of a failed call is told.
  public static let end = "plk-end"
  /// The context that includes the local extensions.
  public static let deliver = "plk-deliver"
  /// The extension that answers authenticated probes.
  public static let probe = "plkprobe"
  /// Our user at the manager interface.
  public static let managerUser = "pbxlink"

  /// A site's name in characters that regular expressions and FILTER() take literally. Labels have no
  /// underscore, so two sites never share one.
  static func plain(_ site: SiteName) -> String { String(site.description.map { $0 == "-" ? "_" : $0 }) }

  /// The section of the peer that we dial. The underscore keeps it from being a host name: Asterisk looks up
  /// a peer that it does not know in DNS and would send an unauthenticated call there.
  public static func peer(_ site: SiteName) -> String { peerPrefix + plain(site) }

  /// The user name that `caller` presents. It carries the generations of both trunk keys, because two
  /// secrets under one name do not work with encryption. No label has a dot, so no peer has this name.
  public static func user(caller: SiteName, callerGeneration: UInt32, calleeGeneration: UInt32) -> String {
    "\(peer(caller)).k\(callerGeneration)_\(calleeGeneration)"
  }

  /// The context of calls from a site.
  public static func from(_ site: SiteName) -> String { fromPrefix + "\(site)" }
  static let fromPrefix = "plk-from-"

  /// The subroutine that lets a call from a site in that is passed on.
  static func entry(_ site: SiteName) -> String { entryPrefix + "\(site)" }
  static let entryPrefix = "plk-entry-"

  /// The site of a peer's or user's section; nil for any other name.
  public static func site(ofSection name: String) -> SiteName? {
    guard name.hasPrefix(peerPrefix) else { return nil }
    let plain = name.dropFirst(peerPrefix.count).prefix { $0 != "." }
    return SiteName(String(plain.map { $0 == "_" ? "-" : $0 }))
  }

  /// A POSIX extended regular expression for the channels with a site, calls of both directions: Asterisk
  /// names them after the peer (out) or the user (in) and the call number.
  public static func channelPattern(_ site: SiteName) -> String {
    "^IAX2/\(peer(site))(\\.k[0-9]+_[0-9]+)?-[0-9]+$"
  }

  /// The site at the far end of a channel of ours; nil for any other channel.
  public static func site(ofChannel name: String) -> SiteName? {
    guard name.hasPrefix("IAX2/"), let dash = name.lastIndex(of: "-") else { return nil }
    return site(ofSection: String(name[..<dash].dropFirst(5)))
  }
}
