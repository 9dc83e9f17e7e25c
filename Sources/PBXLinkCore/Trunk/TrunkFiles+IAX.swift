// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension TrunkConfiguration {
  /// iax.conf: for each peer one `type=user` for every accepted pair of key generations, and one `type=peer`.
  /// No `[general]`: it is the admin's.
  var iaxText: String {
    var lines = header(.iax)
    for peer in peers {
      lines += ["", TrunkFragments.marker(peer.site)]
      for credential in peer.inbound { lines += userSection(credential, of: peer) + [""] }
      lines += peerSection(peer)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Who may call in, and where to: from one address into one context.
  private func userSection(_ credential: TrunkCredential, of peer: TrunkPeer) -> [String] {
    ["[\(credential.userName)]", "type=user"]
      + authentication(credential.secret, peer)
      + ["context=\(TrunkNames.from(peer.site))", "maxauthreq=3"]
      + media(peer)
      // Tells dialplan and call records the site, whatever the generation.
      + ["setvar=__PLK_PEER=\(peer.site)"]
  }

  /// Whom we call and watch.
  private func peerSection(_ peer: TrunkPeer) -> [String] {
    ["[\(TrunkNames.peer(peer.site))]", "type=peer"]
      // `port` before `host` is lost.
      + ["host=\(peer.address)", "port=\(peer.port)", "username=\(peer.outbound.userName)"]
      + authentication(peer.outbound.secret, peer)
      // Where the far end can send our caller by an IAX2 TRANSFER; unset, into the context that the caller
      // is in.
      + ["context=\(TrunkNames.from(peer.site))"]
      + ["qualify=1500", "qualifysmoothing=no", "qualifyfreqok=10000", "qualifyfreqnotok=2000", "sendani=no"]
      + media(peer)
      + ["description=pbxlink site \(peer.site)"]
  }

  private func authentication(_ secret: Secret, _ peer: TrunkPeer) -> [String] {
    [
      "auth=md5", "secret=\(secret.exposedHex)",
      "encryption=\(peer.encryption ? "aes128" : "no")", "forceencryption=\(peer.encryption ? "yes" : "no")",
      "requirecalltoken=yes",
      // An IPv4 rule never matches an IPv6 source, so that family needs its own refusal.
      "deny=0.0.0.0/0.0.0.0", "deny=::/0", "permit=\(peer.address)/255.255.255.255",
    ]
  }

  private func media(_ peer: TrunkPeer) -> [String] {
    // trunk=yes would send the voice in clear whatever `encryption` says.
    ["trunk=no", "transfer=no", "connectedline=yes", "jitterbuffer=yes", "disallow=all"]
      + peer.codecs.filter { !$0.isEmpty && $0.utf8.allSatisfy(\.isASCIIWordByte) }.map { "allow=\($0)" }
  }
}
