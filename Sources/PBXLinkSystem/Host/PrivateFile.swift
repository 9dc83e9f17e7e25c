// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import Glibc
internal import SystemPackage

/// Files for their owner alone, written as a whole: a crash leaves the former file or none.
enum PrivateFile {
  /// Refuses a path where there is something that must not be replaced.
  static func checkFree(_ path: String, replacing: Bool) throws(SealedFileError) {
    guard replacing || access(path, F_OK) != 0 else { throw .exists(path: path) }
  }

  /// Writes a file with mode 0600 and returns once it is on disk under its name.
  /// Throws ``SealedFileError/exists(path:)`` when there is one that must not be replaced.
  static func write(_ bytes: [UInt8], to path: String, replacing: Bool) throws(SealedFileError) {
    let draft = "\(path).\(getpid()).new"
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .system(call: "create", path: draft, code: errno) }
    defer {
      close(descriptor)
      unlink(draft)
    }
    do {
      try FileDescriptor(rawValue: descriptor).writeAll(bytes)
    } catch {
      throw .system(call: "write", path: draft, code: (error as? Errno)?.rawValue ?? EIO)
    }
    guard fsync(descriptor) == 0 else { throw .system(call: "fsync", path: draft, code: errno) }
    if !replacing {
      // The name is taken first: rename would replace what came meanwhile, and a USB stick knows no link.
      let taken = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      guard taken >= 0 else {
        throw errno == EEXIST ? .exists(path: path) : .system(call: "create", path: path, code: errno)
      }
      close(taken)
    }
    guard rename(draft, path) == 0 else {
      let code = errno
      if !replacing { unlink(path) }
      throw .system(call: "rename", path: path, code: code)
    }
    try synchronize(directory: URL(filePath: path).deletingLastPathComponent().path)
  }

  /// Reads a file of at most `limit` bytes.
  static func read(_ path: String, limit: Int) throws(SealedFileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(call: "open", path: path, code: errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = Glibc.read(descriptor, &block, block.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system(call: "read", path: path, code: errno) }
      if count == 0 { return bytes }
      bytes += block[..<count]
      guard bytes.count <= limit else { throw .tooLarge(bytes: bytes.count) }
    }
  }

  /// Makes the names in a directory durable.
  static func synchronize(directory: String) throws(SealedFileError) {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(call: "open", path: directory, code: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system(call: "fsync", path: directory, code: errno) }
  }
}
