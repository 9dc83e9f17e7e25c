// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import Glibc
import PBXLinkCore

@testable import PBXLinkSystem

/// A shared port on loopback with a directory of its own.
struct SharedPortLab {
  let directory: String
  let port: UInt16
  let process: SharedPortProcess

  /// What tests with a real OpenVPN lack here; nil when they can run.
  static let missingProgram = (["/usr/sbin/openvpn", "/usr/bin/openssl"] as [String])
    .first { access($0, X_OK) != 0 }

  /// Runs the body beside a shared port in this process.
  static func with(
    patience: Duration = .seconds(10), _ body: (SharedPortLab) async throws -> Void
  ) async throws {
    try await withDirectory { directory in
      let listen = ResolvedEndpoint(IPAddress(family: .v4, value: 0x7f00_0001), port: 0)
      let server = SharedPortServer(listen: listen, directory: directory, patience: patience)
      let (ports, isListening) = AsyncStream.makeStream(of: UInt16.self)
      try await withThrowingTaskGroup { group in
        group.addTask {
          defer { isListening.finish() }
          try await server.serve { isListening.yield($0) }
        }
        defer { group.cancelAll() }
        for await port in ports {
          let process = SharedPortProcess(directory: directory, command: [])
          try await body(SharedPortLab(directory: directory, port: port, process: process))
          break
        }
      }
    }
  }

  static func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let directory = "/tmp/pbxlink-shared-port-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    return try await body(directory)
  }

  /// A key of a pair's own.
  static func key(_ seed: UInt64) -> Secret {
    var random = SplitMix64(seed: seed)
    return Secret((0..<256).map { _ in UInt8.random(in: 0...255, using: &random) })
  }

  /// The first packet that a peer with this key sends.
  static func packet(_ key: Secret) throws -> [UInt8] {
    let session = [7 << 3] + (0..<8).map { _ in UInt8.random(in: 0...255) }
    let replayProtection: [UInt8] = [0, 0, 0, 1, 0x6b, 0x04, 0x5c, 0x91]
    let rest = [UInt8](repeating: 0, count: 5)
    guard let half = OpenVPNFirstPacket.authenticationKey(in: key),
      let code = SharedPortTable.authenticationCode(of: replayProtection + session + rest, half)
    else { throw SharedPortError.wrongKeyLength(port: 0, length: key.exposedBytes.count) }
    return [0, 54] + session + code + replayProtection + rest
  }
}
