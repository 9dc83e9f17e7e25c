// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CLinux
internal import Glibc

extension AsteriskError {
  static func text(_ errno: Int32) -> String { String(cString: strerror(errno)) }
}

/// Files below Asterisk's configuration directory: read whole, written so that a reader sees the old text or
/// the new one, also after a crash.
enum AsteriskFile {
  /// Who may do what with a file.
  struct Ownership: Hashable {
    var owner: uid_t
    var group: gid_t
    var mode: mode_t

    /// The same owner and group with another mode.
    func with(mode: mode_t) -> Self { Self(owner: owner, group: group, mode: mode) }
  }

  /// The bytes of a file; nil where there is none.
  static func read(_ path: String) throws(AsteriskError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw failure(path, "read")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count == 0 { return bytes }
      if count > 0 { bytes += chunk[..<count] }
      if count < 0 && errno != EINTR { throw failure(path, "read") }
    }
  }

  /// Owner, group and mode; nil where there is no file.
  static func ownership(of path: String) throws(AsteriskError) -> Ownership? {
    var status = clinux_status()
    guard clinux_stat(path, &status) == 0 else {
      if errno == ENOENT { return nil }
      throw failure(path, "look at")
    }
    return Ownership(owner: status.owner, group: status.group, mode: status.mode & 0o7777)
  }

  /// Replaces a file, or makes it. A symbolic link stays, its target is replaced.
  static func write(_ bytes: [UInt8], to path: String, _ ownership: Ownership) throws(AsteriskError) {
    let target = resolved(path)
    let (directory, temporary) = temporary(for: target)
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure(temporary, "create") }
    do {
      defer { close(descriptor) }
      try fill(descriptor, with: bytes, ownership, path: temporary)
    } catch {
      unlink(temporary)
      throw error
    }
    guard rename(temporary, target) == 0 else {
      let error = failure(target, "replace")
      unlink(temporary)
      throw error
    }
    try synchronize(directory)
  }

  private static func temporary(for target: String) -> (directory: String, path: String) {
    let slash = target.lastIndex(of: "/") ?? target.startIndex
    let directory = String(target[..<slash])
    return (directory, directory + "/." + target[slash...].dropFirst() + ".pbxlink")
  }

  /// Deletes what a write that was killed may have left beside a file.
  static func removeTemporary(of path: String) throws(AsteriskError) {
    try remove(temporary(for: resolved(path)).path)
  }

  private static func fill(
    _ descriptor: Int32, with bytes: [UInt8], _ ownership: Ownership, path: String
  ) throws(AsteriskError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 { rest = rest.dropFirst(count) }
      if count < 0 && errno != EINTR { throw failure(path, "write") }
    }
    guard fchown(descriptor, ownership.owner, ownership.group) == 0 else {
      throw failure(path, "set the owner of")
    }
    guard fchmod(descriptor, ownership.mode) == 0 else { throw failure(path, "set the mode of") }
    guard fsync(descriptor) == 0 else { throw failure(path, "write") }
  }

  /// Deletes a file, if there is one.
  static func remove(_ path: String) throws(AsteriskError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw failure(path, "delete") }
  }

  /// Makes a directory, or gives an existing one this owner and mode.
  static func makeDirectory(_ path: String, _ ownership: Ownership) throws(AsteriskError) {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure(path, "create") }
    guard try Self.ownership(of: path) != ownership else { return }
    guard lchown(path, ownership.owner, ownership.group) == 0 else { throw failure(path, "set the owner of") }
    guard chmod(path, ownership.mode) == 0 else { throw failure(path, "set the mode of") }
  }

  /// Deletes a directory if it is empty: what somebody else put into it stays.
  static func removeDirectory(_ path: String) throws(AsteriskError) {
    guard rmdir(path) == 0 || [ENOENT, ENOTEMPTY, EEXIST].contains(errno) else {
      throw failure(path, "delete")
    }
  }

  private static func synchronize(_ directory: String) throws(AsteriskError) {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(directory, "open") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure(directory, "write") }
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func failure(_ path: String, _ operation: String) -> AsteriskError {
    .file(path: path, operation: operation, errno: errno)
  }
}
