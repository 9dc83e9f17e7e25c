// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension TrunkConfiguration {
  /// manager.conf: our user, from loopback only. It can list peers and channels, hang up and originate; it
  /// can neither change the configuration nor run commands. `[general](+)` adds to the admin's section.
  func managerText(enabling: Bool) -> String {
    var lines = header(.manager)
    if enabling {
      lines += ["", "[general](+)", "enabled=yes", "bindaddr=127.0.0.1", "port=\(managerPort)"]
    }
    lines += [
      "", "[\(TrunkNames.managerUser)]", "secret=\(managerSecret.exposedHex)",
      "deny=0.0.0.0/0.0.0.0", "deny=::/0", "permit=127.0.0.1/255.255.255.255",
      "read=system,call,user", "write=reporting,call,originate", "writetimeout=1000",
      // Of a busy server's events only those of our channels, and what our dialplan says.
      "eventfilter=Channel: IAX2/\(TrunkNames.peerPrefix)", "eventfilter=UserEvent: Pbxlink",
    ]
    return lines.joined(separator: "\n") + "\n"
  }
}
