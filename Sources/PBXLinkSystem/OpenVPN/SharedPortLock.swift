// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import PBXLinkCore

/// The lock file of the process: whoever holds it serves the directory, and its text says on which address.
/// The lock goes with the process, however that ends.
struct SharedPortLock {
  let path: String

  init(directory: String) { path = directory + "/shared-port.lock" }

  /// Takes the lock for as long as this process lives; false when another one has it.
  func take(for listen: ResolvedEndpoint) throws(SharedPortError) -> Bool {
    // Never closed: closing any descriptor of the file would give the lock back (fcntl(2)).
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .system(call: "open", path: path, code: errno) }
    var lock = Self.wholeFile
    guard fcntl(descriptor, F_SETLK, &lock) == 0 else {
      let code = errno
      close(descriptor)
      if code == EACCES || code == EAGAIN { return false }
      throw .system(call: "lock", path: path, code: code)
    }
    let text = Array("\(listen)\n".utf8)
    guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count else {
      throw .system(call: "write", path: path, code: errno)
    }
    return true
  }

  /// The process that holds the lock and where it listens; nil when there is none.
  func holder() throws(SharedPortError) -> (process: pid_t, listen: ResolvedEndpoint)? {
    let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw .system(call: "open", path: path, code: errno)
    }
    defer { close(descriptor) }
    var lock = Self.wholeFile
    guard fcntl(descriptor, F_GETLK, &lock) == 0 else { throw .system(call: "lock", path: path, code: errno) }
    guard lock.l_type != Int16(F_UNLCK) else { return nil }
    var bytes = [UInt8](repeating: 0, count: 128)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count >= 0 else { throw .system(call: "read", path: path, code: errno) }
    let text = String(decoding: bytes.prefix(count).prefix { $0 != 0x0a }, as: UTF8.self)
    guard let listen = Endpoint(text).flatMap(ResolvedEndpoint.init), lock.l_pid > 0 else {
      throw .damaged(path: path)
    }
    return (lock.l_pid, listen)
  }

  private static var wholeFile: flock {
    flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
  }
}
