// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials

extension Office {
  /// Gives the office its own `/etc`, `/var` and `/run` over the host's, and Asterisk's root.
  func prepare(root: String, pbxlink: String?) async throws {
    let own = "/run/office"
    try await anchor.runAll([
      ["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run"],
      ["mkdir", "-p", own + "/bin"],
    ])
    // Asterisk's root first: it lies under /var.
    for (lower, target) in [(root, own + "/root"), ("/etc", "/etc"), ("/var", "/var")] {
      let upper = own + "/upper" + (lower == root ? "/root" : target)
      try await anchor.runAll([
        ["mkdir", "-p", target, upper + "/new", upper + "/work"],
        [
          "mount", "-t", "overlay", "overlay", "-o",
          "lowerdir=\(lower),upperdir=\(upper)/new,workdir=\(upper)/work", target,
        ],
      ])
    }
    try await anchor.runAll([
      ["mount", "-t", "sysfs", "sysfs", "/sys"],
      ["mount", "-t", "proc", "proc", own + "/root/proc"],
      ["mount", "--rbind", "/dev", own + "/root/dev"],
      ["chroot", own + "/root", "install", "-d", "-o", "asterisk", "-g", "asterisk", "/run/asterisk"],
    ])
    for path in ["/etc/asterisk", "/run/asterisk", "/var/log/asterisk", "/var/lib/asterisk"] {
      try await anchor.runAll([["mkdir", "-p", path], ["mount", "--bind", own + "/root" + path, path]])
    }
    for place in ["", own + "/root"] {
      try await write("127.0.0.1 localhost\n127.0.1.1 \(name)\n", to: place + "/etc/hosts")
      // Without this, each look-up would wait in vain for a server of the host's network.
      try await write("# The lab's internet has no name service.\n", to: place + "/etc/resolv.conf")
    }
    try await write(
      "#!/bin/sh\nexec chroot \(own)/root /usr/sbin/asterisk \"$@\"\n", to: own + "/bin/asterisk", mode: "755"
    )
    if let pbxlink { try await anchor.run(["ln", "-s", pbxlink, own + "/bin/pbxlink"]).checked() }
    if let siteFile = plan.siteFile {
      try await write(siteFile, to: "/etc/pbxlink/pbxlink.yaml", mode: "644")
    }
  }

  /// Creates or replaces a file in the office, and its directory if need be.
  public func write(_ text: String, to path: String, mode: String = "644") async throws {
    try await anchor.run(["install", "-D", "-m", mode, "/dev/stdin", path], input: text).checked()
  }
}
