// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials

extension Office {
  private static let own = "/run/office"

  /// Gives the office its own `/etc`, `/var` and `/run` over the host's, or a system of its own, and Asterisk's root.
  func prepare(system: String?, asterisk root: String, pbxlink: String?) async throws {
    let own = Self.own
    try await anchor.runAll([["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run"]])
    if let system {
      try await enter(system, asterisk: root)
      try await overlay(own + "/asterisk", on: own + "/root")
    } else {
      // Asterisk's root first: it lies under /var.
      for (lower, target) in [(root, own + "/root"), ("/etc", "/etc"), ("/var", "/var")] {
        try await overlay(lower, on: target)
      }
    }
    try await anchor.runAll([
      ["mkdir", "-p", own + "/bin"],
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

  /// Shows a directory at a place, where changes stay the office's own.
  private func overlay(_ lower: String, on target: String) async throws {
    let upper = Self.own + "/upper/" + (target.split(separator: "/").last ?? "")
    try await anchor.runAll([
      ["mkdir", "-p", target, upper + "/new", upper + "/work"],
      [
        "mount", "-t", "overlay", "overlay", "-o",
        "lowerdir=\(lower),upperdir=\(upper)/new,workdir=\(upper)/work", target,
      ],
    ])
  }

  /// Makes a system the office's root, with Asterisk's root in `asterisk` beside what is the office's own.
  private func enter(_ system: String, asterisk: String) async throws {
    let root = Self.own + "/system"
    try await overlay(system, on: root)
    try await anchor.runAll([
      ["mount", "-t", "proc", "proc", root + "/proc"],
      ["mount", "--rbind", "/dev", root + "/dev"],
      ["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", root + "/run"],
      ["mkdir", "-p", root + Self.own + "/asterisk", root + Self.own + "/host"],
      ["mount", "--bind", asterisk, root + Self.own + "/asterisk"],
      ["pivot_root", root, root + Self.own + "/host"],
      ["umount", "--lazy", Self.own + "/host"],
    ])
  }

  /// Copies a file of this machine into the office.
  public func copy(_ file: String, to path: String) throws {
    try FileManager.default.copyItem(atPath: file, toPath: anchor.outside(path))
  }

  /// Creates or replaces a file in the office, and its directory if need be.
  public func write(_ text: String, to path: String, mode: String = "644") async throws {
    try await anchor.run(["install", "-D", "-m", mode, "/dev/stdin", path], input: text).checked()
  }
}
