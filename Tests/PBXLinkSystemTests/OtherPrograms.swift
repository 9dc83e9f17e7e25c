// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation

/// Programs of others, as `scripts/setup` has unpacked them.
enum OtherPrograms {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: ".build/peers").path

  /// Python with the modules that `scripts/setup` has installed.
  static let python = root + "/../python/bin/python3"

  /// They come with libraries of theirs.
  private static let libraries =
    "LD_LIBRARY_PATH=\(root)/usr/lib/x86_64-linux-gnu:\(root)/usr/lib/x86_64-linux-gnu/frr"

  /// Runs a command in a namespace and returns what it prints.
  static func run(in space: NetworkNamespace, _ arguments: [String]) async throws -> String {
    try await NetworkNamespace.command(
      ["ip", "netns", "exec", space.name, "env", "TZ=UTC", libraries] + arguments)
  }

  /// What Wireshark makes of a capture: a row a packet, a column a field.
  static func fields(
    of capture: String, _ names: [String], in space: NetworkNamespace
  ) async throws -> [[String: String]] {
    let output = try await run(
      in: space,
      ["\(root)/usr/bin/tshark", "-r", capture, "-T", "fields", "-E", "separator=|"]
        + (names + ["_ws.malformed"]).flatMap { ["-e", $0] })
    return output.split(separator: "\n").map { line in
      let values = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      return Dictionary(zip(names + ["_ws.malformed"], values)) { first, _ in first }
    }
  }

  /// Captures so many packets that a filter matches on an interface, within 20 s.
  static func capture(
    _ count: Int, _ filter: String, on interface: String, in space: NetworkNamespace, to file: String
  ) async throws {
    _ = try await run(
      in: space,
      [
        "timeout", "20", "\(root)/usr/bin/dumpcap", "-q", "-P", "-i", interface, "-f", filter, "-c",
        "\(count)",
        "-w", file,
      ])
  }
}
