// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("OpenVPN's management socket")
struct OpenVPNManagementTests {
  private static let sound = [
    "pid": "SUCCESS: pid=77\r\n",
    "state": "1795447213,CONNECTED,SUCCESS,,192.0.2.1,1194,192.0.2.2,46612\r\nEND\r\n",
    "load-stats": "SUCCESS: nclients=0,bytesin=1536,bytesout=1535\r\n",
    "log all": "END\r\n",
  ]

  private func reason(_ server: ScriptedManagement) async -> String? {
    guard case .unknown(let reason) = await OpenVPNManagement.observe(server.path, of: 77) else { return nil }
    return reason
  }

  @Test("a connected process tells state and bytes, with notifications in between")
  func connected() async throws {
    var answers = Self.sound
    answers["state"] = ">BYTECOUNT:1,2\r\n" + (answers["state"] ?? "")
    let server = try ScriptedManagement.answering(answers)
    #expect(
      await OpenVPNManagement.observe(server.path, of: 77)
        == .status(
          .init(
            state: "CONNECTED", since: Timestamp(seconds: 1_795_447_213), receivedBytes: 1536, sentBytes: 1535
          )))
  }

  @Test("a process that waits to be told to begin is recognised")
  func held() async throws {
    let server = try ScriptedManagement.answering(
      Self.sound, greeting: ">INFO:OpenVPN\r\n>HOLD:Waiting for hold release:0\r\n")
    #expect(await OpenVPNManagement.observe(server.path, of: 77) == .held)
  }

  @Test(
    "an answer that makes no sense is quoted as far as it can be shown",
    arguments: [
      ("pid", "SUCCESS: pid=1\r\n", "('pid=1')"), ("pid", "ERROR: unknown\r\n", "('ERROR: unknown')"),
      ("pid", "\u{1b}[2Jhello\r\n", "('[2Jhello')"),
      ("state", "tomorrow,CONNECTED\r\nEND\r\n", "('tomorrow,"),
      ("state", "1,connected!\r\nEND\r\n", "('1,connected!')"),
      ("load-stats", "SUCCESS: bytesin=-1\r\n", "('bytesin=-1')"),
    ])
  func nonsense(command: String, answer: String, quoted: String) async throws {
    var answers = Self.sound
    answers[command] = answer
    let reason = await reason(try ScriptedManagement.answering(answers))
    #expect(reason?.contains("makes no sense") == true)
    #expect(reason?.contains(quoted) == true, "\(reason ?? "it was accepted")")
  }

  @Test("one that sends without end, or one byte at a time, or nothing, or hangs up, is given up")
  func patience() async throws {
    let endless = try ScriptedManagement { while ScriptedManagement.send("no end in sight ", $0) {} }
    let dripping = try ScriptedManagement { while ScriptedManagement.send("x", $0) { usleep(20_000) } }
    let chatty = try ScriptedManagement { while ScriptedManagement.send(">LOG:1,I,and so on\r\n", $0) {} }
    let silent = try ScriptedManagement.answering([:], greeting: "")
    let short = try ScriptedManagement { ScriptedManagement.send(">INFO:OpenVPN\r\n", $0) }
    #expect(await reason(endless)?.contains("more than an answer can have") == true)
    #expect(await reason(dripping)?.contains("no answer in 2.0 seconds") == true)
    #expect(await reason(chatty)?.contains("more than an answer can have") == true)
    #expect(await reason(silent)?.contains("no answer in 2.0 seconds") == true)
    #expect(await reason(short)?.contains("closed") == true)
    let gone = await OpenVPNManagement.observe("/nonexistent/pbxlink-2.sock", of: 77)
    #expect(
      gone
        == .unknown(
          reason: "\(OpenVPNError.management(path: "/nonexistent/pbxlink-2.sock", reason: "nobody listens"))")
    )
  }

  @Test("a process that ends instead of beginning gives its reason")
  func fatal() async throws {
    let server = try ScriptedManagement { connection in
      ScriptedManagement.send(
        "SUCCESS: 1\r\nSUCCESS: 2\r\nSUCCESS: 3\r\nSUCCESS: 4\r\n>LOG:1,I,TUN/TAP device opened\r\n"
          + ">FATAL:Cannot ioctl TUNSETIFF pbxlink-2: Device or resource busy\r\n", connection)
    }
    await #expect(
      throws: OpenVPNError.start(
        interface: "pbxlink-2", reason: "Cannot ioctl TUNSETIFF pbxlink-2: Device or resource busy")
    ) {
      try await OpenVPNManagement.release(server.path, interface: "pbxlink-2")
    }
  }

  @Test("the problem is the first complaint of the last attempt that had one")
  func problem() {
    let lines = [
      "1,I,TCP connection established", "2,N,TLS Error: first", "2,N,TLS Error: consequence",
      "2,I,SIGUSR1[soft,tls-error] received, process restarting", "3,I,Listening", "garbage", "x,N,no time",
      "4,N,TLS Error: certificate, wrong", "4,N,TLS handshake failed",
      "4,I,SIGUSR1[soft,tls-error] received, process restarting", "5,I,Listening",
      "5,N,Unable to retain capabilities",
    ]
    let log = lines.compactMap { OpenVPNManagement.LogEntry($0[...]) }
    #expect(log.count == lines.count - 2)
    #expect(OpenVPNManagement.problem(in: log) == "TLS Error: certificate, wrong")
    #expect(OpenVPNManagement.problem(in: []) == nil)
  }

  @Test("the certificate follows from the key")
  func certificate() throws {
    let seed = Secret((0..<32).map { UInt8($0) })
    let certificate = try OpenVPNCertificate(seed)
    #expect(try OpenVPNCertificate(seed) == certificate)
    #expect(try OpenVPNCertificate(Secret(Array(repeating: 1, count: 32))) != certificate)
    #expect(
      certificate.fingerprint.description
        == "28:EA:D5:F8:72:79:21:2F:58:1D:77:BC:0C:9D:07:7F:AF:78:A7:77:97:CC:CE:31:A2:EC:3A:77:10:69:15:FA"
    )
    #expect(certificate.pem.hasPrefix("-----BEGIN CERTIFICATE-----\n"))
    #expect(throws: CryptographyError.wrongKeyLength(31)) {
      try OpenVPNCertificate(Secret(Array(repeating: 1, count: 31)))
    }
  }
}
