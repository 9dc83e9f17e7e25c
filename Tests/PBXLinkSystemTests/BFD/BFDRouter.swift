// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Glibc
import PBXLinkCore

@testable import PBXLinkSystem

/// A router in a namespace that runs BFD of another maker, 100 ms x 3, as `scripts/setup` has unpacked it.
struct BFDRouter {
  enum Maker: String, CaseIterable, Sendable {
    case bird, frr
  }

  let maker: Maker
  let space: NetworkNamespace
  private let directory: String

  /// Starts it; `neighbor` is us. It ends with its namespace.
  static func start(
    _ maker: Maker, in space: NetworkNamespace, local: String, neighbor: String, isMultihop: Bool = false
  ) async throws -> Self {
    let directory = FileManager.default.temporaryDirectory.appending(path: space.name).path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let router = Self(maker: maker, space: space, directory: directory)
    let configuration = directory + "/bfd.conf"
    switch maker {
    case .bird:
      let way = isMultihop ? "local \(local) multihop on" : "dev \"lan\""
      try """
      router id \(local);
      protocol device {}
      protocol bfd {
        interface "lan" { interval 100 ms; multiplier 3; };
        multihop { interval 100 ms; multiplier 3; };
        neighbor \(neighbor) \(way);
      }
      """.write(toFile: configuration, atomically: true, encoding: .utf8)
      try await router.run(
        "\(OtherPrograms.root)/usr/sbin/bird", "-c", configuration, "-s", directory + "/bird.ctl", "-P",
        router.processFile)
    case .frr:
      let way = isMultihop ? "multihop local-address \(local)" : "interface lan"
      try """
      bfd
       peer \(neighbor) \(way)
        receive-interval 100
        transmit-interval 100
        detect-multiplier 3
        no shutdown
      """.write(toFile: configuration, atomically: true, encoding: .utf8)
      // FRR insists on a group of its own.
      let groups = try String(contentsOfFile: "/etc/group", encoding: .utf8) + "frrvty:x:64999:root\n"
      try groups.write(toFile: directory + "/group", atomically: true, encoding: .utf8)
      let common = [
        "-d", "--vty_socket", directory, "-z", directory + "/zserv.api", "-u", "root", "-g", "root", "-P",
        "0",
      ]
      for arguments in [
        ["\(OtherPrograms.root)/usr/lib/frr/zebra", "-i", directory + "/zebra.pid"] + common,
        [
          "\(OtherPrograms.root)/usr/lib/frr/bfdd", "-i", router.processFile, "--bfdctl",
          directory + "/bfdd.sock", "-f",
          configuration,
        ] + common,
      ] {
        // The mounts of 'ip netns exec' are its own.
        try await router.run(
          ["sh", "-c", "mount --bind \"$0\" /etc/group; exec \"$@\"", directory + "/group"] + arguments)
      }
    }
    return router
  }

  private var processFile: String { directory + "/bfd.pid" }

  /// How it says the session is: "up", "down" or "init".
  func state() async throws -> String? {
    switch maker {
    case .bird:
      let lines = try await run(
        "\(OtherPrograms.root)/usr/sbin/birdc", "-s", directory + "/bird.ctl", "show bfd sessions")
      return lines.split(separator: "\n").last?.split(separator: " ").dropFirst(2).first?.lowercased()
    case .frr:
      struct Peer: Decodable { let status: String }
      let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "frr_command.py").path
      let output = try await run("python3", script, directory + "/bfdd.vty", "show bfd peers json")
      return try JSONDecoder().decode([Peer].self, from: Data(output.utf8)).first?.status
    }
  }

  /// Ends it without a word.
  func kill() throws {
    let text = try String(contentsOfFile: processFile, encoding: .utf8)
    if let process = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)) {
      Glibc.kill(process, SIGKILL)
    }
  }

  @discardableResult
  private func run(_ arguments: String...) async throws -> String { try await run(arguments) }

  @discardableResult
  private func run(_ arguments: [String]) async throws -> String {
    try await OtherPrograms.run(in: space, arguments)
  }
}
