// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Glibc
import PBXLinkCore

@testable import PBXLinkSystem

/// A blocking TCP connection on loopback.
final class SharedPortStream: Sendable {
  private let descriptor: Int32

  /// What came until the other end closed or reset, or until nothing came for two seconds.
  enum End { case closed, reset, silence }

  fileprivate init(_ descriptor: Int32) throws {
    guard descriptor >= 0 else { throw KernelError("open a stream", "the test", errno: errno) }
    self.descriptor = descriptor
    var limit = timeval(tv_sec: 2, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Connects from one loopback address to another.
  convenience init(to port: UInt16, from source: UInt8 = 1) throws {
    try self.init(socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
    // bind(2) may choose the very port where nobody listens yet: the stream would be connected to itself, and nobody could
    // listen there for a minute. connect(2) chooses among others than those given to listeners.
    var late: Int32 = 1
    setsockopt(
      descriptor, Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, &late, socklen_t(MemoryLayout<Int32>.size))
    let results = [
      withLoopback(port: 0, host: source) { bind(descriptor, $0, $1) },
      withLoopback(port: port) { connect(descriptor, $0, $1) },
    ]
    guard results == [0, 0] else { throw KernelError("connect", "port \(port)", errno: errno) }
  }

  deinit { close(descriptor) }

  /// Whether all of it could be sent.
  func send(_ bytes: [UInt8]) async -> Bool {
    await onThread { [descriptor] in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes {
          Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
      }
      return true
    }
  }

  func closeOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Reads exactly so many bytes; fewer when the stream ends before.
  func receive(_ count: Int) async -> [UInt8] { await read(atMost: count).bytes }

  /// Reads to the end.
  func receiveAll() async -> (bytes: [UInt8], end: End) { await read(atMost: .max) }

  private func read(atMost limit: Int) async -> (bytes: [UInt8], end: End) {
    await onThread { [descriptor] in
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 65_536)
      while bytes.count < limit {
        let count = recv(descriptor, &chunk, min(chunk.count, limit - bytes.count), 0)
        guard count > 0 else {
          return (bytes, count == 0 ? .closed : errno == ECONNRESET ? .reset : .silence)
        }
        bytes += chunk.prefix(count)
      }
      return (bytes, .silence)
    }
  }
}

/// Runs something that blocks on a thread of its own: those of dispatch queues are the ones that all tasks share.
private func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread { continuation.resume(returning: body()) }
  }
}

/// A listener on a loopback port, where a peer's openvpn would be.
final class SharedPortListener: Sendable {
  let port: UInt16
  private let descriptor: Int32

  init(port: UInt16 = 0) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var option: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &option, socklen_t(MemoryLayout<Int32>.size))
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = (UInt64(0), UInt64(0))
    var length = socklen_t(16)
    let descriptor = descriptor
    let results = [
      withLoopback(port: port) { bind(descriptor, $0, $1) }, listen(descriptor, 16),
      withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
      },
    ]
    guard results == [0, 0, 0] else { throw KernelError("listen", "port \(port)", errno: errno) }
    self.port = withUnsafeBytes(of: address) {
      UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self))
    }
  }

  deinit { close(descriptor) }

  /// The next connection; throws when none comes within five seconds.
  func accept() async throws -> SharedPortStream {
    try SharedPortStream(await onThread { [descriptor] in Glibc.accept(descriptor, nil, nil) })
  }
}

/// 127.0.0.`host` as `sockaddr_in`.
private func withLoopback<Result>(
  port: UInt16, host: UInt8 = 1, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
  var octets = (UInt64(0), UInt64(0))
  withUnsafeMutableBytes(of: &octets) { bytes in
    bytes.storeBytes(of: sa_family_t(AF_INET), as: sa_family_t.self)
    bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
    bytes[4..<8].copyBytes(from: [127, 0, 0, host])
  }
  return withUnsafePointer(to: octets) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, 16) }
  }
}
