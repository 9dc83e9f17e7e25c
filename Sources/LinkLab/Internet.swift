// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore

/// The bridge that joins the offices, in a network namespace of its own.
struct Internet {
  let anchor: Anchor
  let file: LabFile

  static func start(_ file: LabFile, anchor: Anchor) async throws -> Internet {
    try await anchor.runAll([
      ["ip", "link", "add", "internet", "type", "bridge"],
      ["ip", "address", "add", file.internet.interface(file.gateway), "dev", "internet"],
      ["ip", "link", "set", "internet", "up"],
    ])
    return Internet(anchor: anchor, file: file)
  }

  /// Gives a host of the lab an `eth0` with a public address. `port` numbers the bridge's ports.
  func connect(_ host: Anchor, address: IPAddress, port: Int) async throws {
    // Only the network namespace is entered: the other end's pid is one of the host's.
    try await HostCommand.run([
      "nsenter", "--target", "\(anchor.process.pid)", "--net", "--",
      "ip", "link", "add", "port\(port)", "type", "veth",
      "peer", "name", "eth0", "netns", "\(host.process.pid)",
    ]).checked()
    try await anchor.run(["ip", "link", "set", "port\(port)", "master", "internet", "up"]).checked()
    try await host.runAll([
      ["ip", "address", "add", file.internet.interface(address), "dev", "eth0"],
      ["ip", "link", "set", "eth0", "up"],
      ["ip", "route", "add", "default", "via", "\(file.gateway)"],
    ])
  }
}
