// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import Glibc
import PBXLinkCore
import Subprocess
import Testing

@testable import PBXLinkSystem

@Suite(
  "OpenVPN through the shared TCP port",
  .enabled(if: SharedPortLab.missingProgram == nil, "install openvpn and openssl"))
struct SharedPortOpenVPNTests {
  /// What `openvpn` 2.6.14 sent with `--tls-auth FILE 1 --auth SHA256` and the bytes 0 to 255 as its key.
  private static let recorded: [UInt8] =
    [0x38, 0x79, 0xd5, 0x42, 0xc5, 0xab, 0x12, 0x6b, 0x9a]
    + [
      0x43, 0x42, 0xb7, 0xce, 0x77, 0x1c, 0x81, 0x69, 0x08, 0x1a, 0xae, 0xba, 0x70, 0xa4, 0x95, 0x66,
      0x18, 0xe0, 0xdb, 0x35, 0x23, 0x79, 0x84, 0xc0, 0xf4, 0xcb, 0x7c, 0x58, 0x43, 0xab, 0x34, 0x81,
    ]
    + [0x00, 0x00, 0x00, 0x01, 0x6b, 0x04, 0x5c, 0x91, 0x00, 0x00, 0x00, 0x00, 0x00]

  @Test("a recorded first packet belongs to its key and to no other")
  func recordedPacket() throws {
    guard case .packet(let packet) = OpenVPNFirstPacket.read([0, 54] + Self.recorded) else {
      Issue.record("not read")
      return
    }
    let others = (0..<20).map { SharedPortPeer(controlKey: SharedPortLab.key($0), port: UInt16($0) + 1) }
    // With key direction 0 it would have used the other half.
    let swapped = SharedPortPeer(controlKey: Secret(Array(128...255) + Array(0...127)), port: 100)
    let its = SharedPortPeer(controlKey: Secret(0...255), port: 101)
    #expect(SharedPortTable.sender(of: packet, among: others + [swapped, its]) == its)
    #expect(SharedPortTable.sender(of: packet, among: others + [swapped]) == nil)
  }

  @Test("two openvpn processes come up through it, and one with another key does not")
  func handshake() async throws {
    try await SharedPortLab.with { lab in
      let key = SharedPortLab.key(1)
      let port = try SharedPortListener().port
      try lab.process.install([SharedPortPeer(controlKey: key, port: port)])
      try write(key, "right.key", lab.directory)
      try write(SharedPortLab.key(2), "wrong.key", lab.directory)
      let fingerprint = try await certificate(lab.directory)
      let common = [
        "--dev", "null", "--auth", "SHA256", "--cert", "cert.pem", "--key", "key.pem",
        "--peer-fingerprint", fingerprint, "--data-ciphers", "AES-256-GCM", "--verb", "3",
      ]
      let connector =
        common + [
          "--proto", "tcp-client", "--tls-client", "--nobind", "--remote", "127.0.0.1", "\(lab.port)",
        ]
      try await withThrowingTaskGroup { group in
        group.addTask {
          _ = try await output(
            of: common + [
              "--proto", "tcp-server", "--tls-server", "--dh", "none", "--local", "127.0.0.1", "--lport",
              "\(port)", "--tls-auth", "right.key", "0",
            ], until: nil, lab.directory)
        }
        defer { group.cancelAll() }
        let late = KernelError("connect", "openvpn", reason: "nothing came in 20 s")
        let wrong = try await withTimeLimit(.seconds(20), late: late) {
          try await output(
            of: connector + ["--tls-auth", "wrong.key", "1"], until: "Connection reset", lab.directory)
        }
        #expect(!wrong.contains("TLS: Initial packet"), "not a byte of answer")
        let right = try await withTimeLimit(.seconds(20), late: late) {
          try await output(
            of: connector + ["--tls-auth", "right.key", "1"], until: "Initialization Sequence Completed",
            lab.directory)
        }
        #expect(right.contains("Peer Connection Initiated with [AF_INET]127.0.0.1:\(lab.port)"))
      }
    }
  }

  /// Runs openvpn until its output contains the text, or until the task is cancelled, and ends it.
  private func output(
    of arguments: [String], until text: String?, _ directory: String
  ) async throws -> String {
    var lines = ""
    _ = try await run(
      .name("openvpn"), arguments: Arguments(["--cd", directory] + arguments), input: .none,
      output: .sequence,
      error: .discarded
    ) { execution in
      for try await line in execution.standardOutput.strings() {
        lines += line + "\n"
        if let text, line.contains(text) { try execution.send(signal: .terminate) }
      }
    }
    return lines
  }

  private func write(_ key: Secret, _ name: String, _ directory: String) throws {
    let text = key.exposedHex
    let lines = stride(from: 0, to: 512, by: 32).map { offset in
      text.dropFirst(offset).prefix(32) + "\n"
    }
    let marks = ["BEGIN", "END"].map { "-----\($0) OpenVPN Static key V1-----\n" }
    try Data((marks[0] + lines.joined() + marks[1]).utf8).write(to: URL(filePath: "\(directory)/\(name)"))
  }

  /// A self-signed certificate, the same for both ends; its fingerprint.
  private func certificate(_ directory: String) async throws -> String {
    let result = try await run(
      .name("sh"),
      arguments: [
        "-c",
        """
        cd "$0" && openssl req -x509 -newkey ed25519 -nodes -keyout key.pem -out cert.pem -subj /CN=pbxlink &&
        openssl x509 -in cert.pem -noout -fingerprint -sha256
        """, directory,
      ], output: .string(limit: 65_536), error: .discarded)
    return String(result.standardOutput.split(separator: "\n").last?.split(separator: "=").last ?? "")
  }
}
