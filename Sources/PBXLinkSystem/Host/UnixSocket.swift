// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc

/// Unix domain sockets, as far as no library does it for us.
enum UnixSocket {
  /// The address of a path; nil when the path is too long for `sun_path` (108 bytes with its NUL).
  static func address(_ path: String) -> sockaddr_un? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { target in
      guard bytes.count < target.count else { return false }
      target.copyBytes(from: bytes)
      return true
    }
    // An abstract address, which systemd writes with '@', begins with a NUL.
    if bytes.first == 0x40 { address.sun_path.0 = 0 }
    return fits ? address : nil
  }

  /// Whether somebody listens at a path.
  static func answers(_ path: String) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0, var target = address(path) else { return false }
    defer { close(descriptor) }
    return withUnsafePointer(to: &target) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }
}
