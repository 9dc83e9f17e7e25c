// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Glibc

@testable import PBXLinkSystem

/// A management socket that says what a test wants, on a thread of its own, to the one client that connects.
final class ScriptedManagement: Sendable {
  let path: String
  private let listener: Int32

  /// `talk` gets the connection; it is closed when it returns.
  init(_ talk: @escaping @Sendable (Int32) -> Void) throws {
    path = "/tmp/pbxlink-\(UUID().uuidString.prefix(13)).sock"
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard var address = UnixSocket.address(path) else {
      throw OpenVPNError.directory(path, reason: "too long")
    }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0, listen(listener, 1) == 0 else {
      throw OpenVPNError.system(call: "listen at", path: path, code: errno)
    }
    Thread.detachNewThread { [listener] in
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { return }
      talk(connection)
      close(connection)
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
    unlink(path)
  }

  /// Answers each command as openvpn does; "" for one that is not in the table.
  static func answering(_ answers: [String: String], greeting: String = ">INFO:OpenVPN\r\n") throws -> Self {
    try Self { connection in
      Self.send(greeting, connection)
      var received: [UInt8] = []
      var byte: UInt8 = 0
      while recv(connection, &byte, 1, 0) == 1 {
        guard byte == 0x0a else {
          received.append(byte)
          continue
        }
        Self.send(answers[String(decoding: received, as: UTF8.self)] ?? "", connection)
        received = []
      }
    }
  }

  /// False when the client is gone.
  @discardableResult
  static func send(_ text: String, _ connection: Int32) -> Bool {
    Glibc.send(connection, text, text.utf8.count, Int32(MSG_NOSIGNAL)) == text.utf8.count
  }
}
