// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

// struct timeval is declared there first when the module is optimised as a whole.
internal import CNetlink
internal import Glibc

/// The control sockets of wireguard-go, one an interface, in the directory that is compiled into it.
actor UAPISocket {
  private let executor = QueueExecutor("wireguard-uapi")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Whether a process listens for the interface.
  func isAlive(_ interface: String) -> Bool {
    guard let descriptor = try? connected(interface, "look for wireguard-go") else { return false }
    close(descriptor)
    return true
  }

  /// One request and its answer; nil when no process listens for the interface.
  func exchange(_ interface: String, _ request: String, _ operation: String) throws(KernelError) -> String? {
    guard let descriptor = try connected(interface, operation) else { return nil }
    defer { close(descriptor) }
    var rest = Array(request.utf8)[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if sent < 0, errno == EINTR { continue }
      guard sent > 0 else { throw KernelError(operation, interface, errno: errno) }
      rest = rest.dropFirst(sent)
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while answer.suffix(2) != [0x0a, 0x0a] {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw KernelError(operation, interface, errno: errno) }
      if count == 0 { break }
      answer += buffer[..<count]
    }
    return String(decoding: answer, as: UTF8.self)
  }

  private func connected(_ interface: String, _ operation: String) throws(KernelError) -> Int32? {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw KernelError(operation, interface, errno: errno) }
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    let limitSize = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, limitSize)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, limitSize)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { path in
      // 108 bytes hold the directory and an interface name of 15.
      path.copyBytes(from: "/var/run/wireguard/\(interface).sock".utf8.prefix(path.count - 1))
    }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result != 0 else { return descriptor }
    let code = errno
    close(descriptor)
    // A process that was killed leaves its socket behind, refusing connections.
    if code == ENOENT || code == ECONNREFUSED { return nil }
    throw KernelError(operation, interface, errno: code)
  }
}
