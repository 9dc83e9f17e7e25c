// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import PBXLinkCore

@testable import PBXLinkSystem

/// A UDP socket in the network namespace of the thread that opens it.
final class TestDatagramSocket: Sendable {
  private let descriptor: Int32

  init(family: IPAddress.Family) throws {
    descriptor = socket(family == .v4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { throw KernelError("open a socket", "the test", errno: errno) }
  }

  convenience init(boundTo endpoint: ResolvedEndpoint) throws {
    try self.init(family: endpoint.address.family)
    // The address may have gone with its interface; that nothing arrives is the sender's to find then.
    var option: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_IP), IP_FREEBIND, &option, socklen_t(MemoryLayout<Int32>.size))
    let result = Self.withAddress(endpoint) { bind(descriptor, $0, $1) }
    guard result == 0 else { throw KernelError("bind", "\(endpoint)", errno: errno) }
  }

  deinit { close(descriptor) }

  /// Sends one datagram; false when there is no route.
  func send(_ payload: [UInt8] = Array("pbxlink".utf8), to endpoint: ResolvedEndpoint) -> Bool {
    Self.withAddress(endpoint) { sendto(descriptor, payload, payload.count, 0, $0, $1) == payload.count }
  }

  /// The next datagram; nil when none comes within a second.
  func receive() -> [UInt8]? {
    var limit = timeval(tv_sec: 1, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var buffer = [UInt8](repeating: 0, count: 2048)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count < 0 ? nil : Array(buffer.prefix(count))
  }

  /// Whether a datagram comes within a second.
  func receives() -> Bool { receive() != nil }

  private static func withAddress<Result>(
    _ endpoint: ResolvedEndpoint, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    let bytes = WireGuardMessage.socketAddress(endpoint)
    var storage = sockaddr_storage()
    withUnsafeMutableBytes(of: &storage) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(bytes.count)) }
    }
  }
}
