// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc

/// A connection to an openvpn process's management interface (OpenVPN's doc/management-notes.txt), with a time
/// limit for all of it. Its calls block.
struct ManagementConnection: ~Copyable {
  private let descriptor: Int32
  private let path: String
  private let limit: Duration
  private let deadline: ContinuousClock.Instant
  private var received: [UInt8] = []
  private var total = 0
  /// Lines that nobody asked for, which begin with ">".
  private(set) var notifications: [String] = []
  /// Whether the process ended the connection.
  private(set) var isClosed = false

  /// Bytes of a line, and of all lines: far above what 50 lines of log take.
  private static let lineLimit = 16 << 10
  private static let totalLimit = 1 << 20

  /// Connects; nil when nobody listens.
  init?(path: String, limit: Duration) throws(OpenVPNError) {
    guard let descriptor = try Self.connected(to: path) else { return nil }
    self.descriptor = descriptor
    self.path = path
    self.limit = limit
    deadline = .now + limit
  }

  deinit { close(descriptor) }

  /// The text after "SUCCESS: ".
  mutating func ask(_ command: String) throws(OpenVPNError) -> Substring {
    try send(command)
    let line = try answer()
    guard line.hasPrefix("SUCCESS: ") else { throw nonsense(line) }
    return line.dropFirst("SUCCESS: ".count)
  }

  /// The lines up to "END".
  mutating func list(_ command: String) throws(OpenVPNError) -> [String] {
    try send(command)
    var lines: [String] = []
    while true {
      let line = try answer()
      if line == "END" { return lines }
      guard !line.hasPrefix("ERROR:") else { throw nonsense(line) }
      lines.append(line)
    }
  }

  /// The next line, whatever it is.
  mutating func line() throws(OpenVPNError) -> String {
    while true {
      if let end = received.firstIndex(of: 0x0a) {
        let line = String(decoding: received[..<end], as: UTF8.self)
        received.removeSubrange(...end)
        return line.hasSuffix("\r") ? String(line.dropLast()) : line
      }
      guard received.count <= Self.lineLimit, total <= Self.totalLimit else {
        throw .management(path: path, reason: "sends more than an answer can have")
      }
      try wait(for: POLLIN)
      var buffer = [UInt8](repeating: 0, count: 16 << 10)
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0, errno == EAGAIN || errno == EINTR { continue }
      guard count > 0 else {
        isClosed = true
        throw .management(path: path, reason: "the connection was closed")
      }
      received += buffer[..<count]
      total += count
    }
  }

  func nonsense(_ line: String) -> OpenVPNError {
    let shown = line.prefix(80).filter { $0.isASCII && !$0.isNewline && $0 >= " " && $0 != "\u{7f}" }
    return .management(path: path, reason: "an answer that makes no sense ('\(shown)')")
  }

  private mutating func answer() throws(OpenVPNError) -> String {
    while true {
      let line = try line()
      guard line.hasPrefix(">") else { return line }
      notifications.append(line)
    }
  }

  private func send(_ command: String) throws(OpenVPNError) {
    var rest = Array("\(command)\n".utf8)[...]
    while !rest.isEmpty {
      try wait(for: POLLOUT)
      let count = rest.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EAGAIN || errno == EINTR { continue }
      // It has hung up; what it said before that is still to be read.
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  private func wait(for event: Int32) throws(OpenVPNError) {
    while true {
      let left = deadline - .now
      let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
      guard left > .zero else { throw .management(path: path, reason: "no answer in \(limit)") }
      var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
      let result = poll(&entry, 1, Int32(clamping: milliseconds + 1))
      if result > 0 { return }
      guard result == 0 || errno == EINTR else { throw .system(call: "poll", path: path, code: errno) }
    }
  }

  private static func connected(to path: String) throws(OpenVPNError) -> Int32? {
    guard var address = UnixSocket.address(path) else {
      throw .directory(path, reason: "too long for a socket (at most 107 bytes)")
    }
    let descriptor = socket(
      AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw .system(call: "open a socket for", path: path, code: errno) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result != 0 else { return descriptor }
    let code = errno
    close(descriptor)
    switch code {
    case ENOENT, ECONNREFUSED: return nil
    // Others wait already, and nobody takes them.
    case EAGAIN: throw .management(path: path, reason: "takes no more connections")
    default: throw .system(call: "connect to", path: path, code: code)
    }
  }
}
