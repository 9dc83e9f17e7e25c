// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials

/// A Debian system, made once and then only read.
struct DebianRoot {
  let release: String
  /// What it has besides the least.
  let packages: [String]

  /// Asterisk, as a release of Debian has it.
  static func asterisk(_ release: LabFile.Release) -> Self {
    Self(release: release.rawValue, packages: ["asterisk", "asterisk-config", "iproute2"])
  }

  /// A server as pbxlink's package finds it, with what the package depends on or recommends: a lab has no archive to fetch
  /// it from. What the lab itself uses comes last. Debian 12 has no Asterisk.
  static let server = Self(
    release: "bookworm",
    packages: [
      "libnl-3-200", "libnl-genl-3-200", "libnl-route-3-200", "libsqlite3-0", "libssl3", "nftables",
      "openvpn", "wireguard-go", "iproute2", "procps",
    ])

  /// The root; made by debootstrap when absent, which takes one or two minutes.
  func path(progress: ProgressHandler) async throws -> String {
    let root = "\(LabDirectory.roots)/\(release)"
    guard !FileManager.default.fileExists(atPath: root) else { return root }
    progress(.began("making a root of Debian \(release)"))
    try FileManager.default.createDirectory(atPath: LabDirectory.roots, withIntermediateDirectories: true)
    let mirror = try await Self.mirror()
    // In namespaces of its own, so that what debootstrap mounts goes when it ends, however it ends; under
    // a lock, as labs may start side by side; renamed when complete, so that half a root is never used.
    let script = """
      set -e
      [ -e "$2" ] && exit
      rm -rf "$2.tmp"
      debootstrap --variant=minbase --include="$4" "$1" "$2.tmp" "$3"
      rm -f "$2.tmp"/var/cache/apt/archives/*.deb
      mv -T "$2.tmp" "$2"
      """
    var log: [String] = []
    let result = try await HostCommand.run([
      "flock", root + ".lock", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
      "--propagation", "private", "sh", "-c", script, "sh", release, root, mirror,
      packages.joined(separator: ","),
    ]) { line in
      log.append(line.trimmedEnd)
      progress(.advanced(log.count, of: nil))
    }
    guard result.succeeded else {
      var failure = result
      failure.arguments = ["debootstrap", release, root, mirror]
      failure.standardError = (log.suffix(10) + [result.standardError]).joined(separator: "\n")
      throw LabError.command(failure)
    }
    return root
  }

  /// The Debian mirror that the host itself uses.
  private static func mirror() async throws -> String {
    let targets = try await HostCommand.run([
      "apt-get", "indextargets", "--format", "$(ORIGIN) $(RELEASE) $(REPO_URI)", "Created-By: Packages",
    ]).checked().standardOutput
    for line in targets.split(separator: "\n") {
      let fields = line.split(separator: " ")
      if fields.count == 3, fields[0] == "Debian", !fields[1].hasSuffix("-security") {
        return String(fields[2])
      }
    }
    // Without apt's lists (no apt-get update yet) the origin is unknown: Debian's own name serves.
    return "http://deb.debian.org/debian"
  }
}
