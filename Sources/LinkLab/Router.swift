// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore

/// The router of an office behind NAT.
enum Router {
  /// Joins the office to its router: `eth0` of the office to `lan0` of the router, which masquerades.
  static func connect(_ office: Anchor, to router: Anchor, lan: IPPrefix, isSymmetric: Bool) async throws {
    try await HostCommand.run([
      "nsenter", "--target", "\(router.process.pid)", "--net", "--",
      "ip", "link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", "\(office.process.pid)",
    ]).checked()
    try await router.runAll([
      ["ip", "address", "add", lan.interface(lan.host(1)), "dev", "lan0"],
      ["ip", "link", "set", "lan0", "up"],
      ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"],
    ])
    try await configure(router, isSymmetric: isSymmetric)
    try await office.runAll([
      ["ip", "address", "add", lan.interface(lan.host(10)), "dev", "eth0"],
      ["ip", "link", "set", "eth0", "up"],
      ["ip", "route", "add", "default", "via", "\(lan.host(1))"],
    ])
  }

  /// Sets how the router masquerades.
  static func configure(_ router: Anchor, isSymmetric: Bool) async throws {
    let masquerade = isSymmetric ? "masquerade fully-random" : "masquerade"
    // Made first, so that there is one to delete.
    let replaced = "table ip router {}\ndelete table ip router\n"
    try await router.run(["nft", "-f", "-"], input: replaced + rules(masquerade: masquerade)).checked()
  }

  // Input is dropped, not rejected: a confirmed entry for an unasked packet would take the port that the
  // office's own mapping needs, as no home router does.
  private static func rules(masquerade: String) -> String {
    """
    table ip router {
      chain input {
        type filter hook input priority filter; policy drop;
        iifname { "lo", "lan0" } accept
        ct state established,related accept
        icmp type echo-request accept
      }
      chain forward {
        type filter hook forward priority filter; policy drop;
        iifname "lan0" accept
        ct state established,related accept
      }
      chain postrouting {
        type nat hook postrouting priority srcnat;
        oifname "eth0" \(masquerade)
      }
    }
    """
  }
}
