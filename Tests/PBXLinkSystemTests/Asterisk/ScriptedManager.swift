// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Glibc

/// A manager interface on loopback that answers from a script, as recorded from Asterisk.
final class ScriptedManager: Sendable {
  /// What one action is answered with: parts that are sent one by one.
  typealias Answer = @Sendable (_ action: String, _ headers: [String: String]) -> [String]

  let port: UInt16
  private let listener: Int32

  struct Failure: Error {}

  init(banner: String = "Asterisk Call Manager/11.0.0\r\n", _ answer: @escaping Answer) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = self.listener
    let isListening = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 4) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard isListening else { throw Failure() }
    port = UInt16(bigEndian: address.sin_port)
    // A thread of its own, because accept() and read() block.
    Thread.detachNewThread {
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else {
          // Closed here: elsewhere its number could be another listener's before accept() is called again.
          close(listener)
          return
        }
        Self.serve(connection, banner, answer)
        close(connection)
      }
    }
  }

  deinit {
    // Ends accept().
    shutdown(listener, Int32(SHUT_RDWR))
  }

  private static func serve(_ connection: Int32, _ banner: String, _ answer: Answer) {
    send(banner, connection)
    var received = ""
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(connection, &chunk, chunk.count)
      guard count > 0 else { return }
      received += String(decoding: chunk[..<count], as: UTF8.self)
      while let end = received.range(of: "\r\n\r\n") {
        let lines = received[..<end.lowerBound].components(separatedBy: "\r\n").map {
          $0.components(separatedBy: ": ")
        }
        received = String(received[end.upperBound...])
        let headers = Dictionary(lines.compactMap { $0.count == 2 ? ($0[0], $0[1]) : nil }) { first, _ in
          first
        }
        for part in answer(headers["Action"] ?? "", headers) {
          if part.isEmpty { return }
          send(part.replacingOccurrences(of: "$ID", with: headers["ActionID"] ?? ""), connection)
        }
      }
    }
  }

  private static func send(_ text: String, _ connection: Int32) {
    let bytes = Array(text.utf8)
    _ = Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }
}
