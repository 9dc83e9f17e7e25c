// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CLinux
internal import Glibc
public import PBXLinkCore
internal import SystemPackage

/// Private keys in files: the raw bytes, one file a key, in a directory that only the agent's user enters.
/// A key is never overwritten; losing an identity means joining again.
public struct KeyFiles: Sendable {
  /// The directory, such as /var/lib/pbxlink/keys.
  public let directory: String

  /// Key files in a directory. Makes it with mode 0700 when it is missing (its parent must exist), and refuses
  /// one that others may enter.
  public init(directory: String) throws(KeyFileError) {
    self.directory = directory
    if mkdir(directory, 0o700) == 0 {
      // The umask may have taken more than others' rights away.
      guard chmod(directory, 0o700) == 0 else { throw .system(call: "chmod", path: directory, code: errno) }
      try synchronize(parent(of: directory))
    } else if errno != EEXIST {
      throw .system(call: "mkdir", path: directory, code: errno)
    }
    let descriptor = try openDirectory(directory)
    defer { close(descriptor) }
    try check(descriptor, path: directory, remedyMode: "700")
  }

  /// Writes a new key and returns once it is on disk under its name: all of it or nothing, also when the power
  /// fails. Throws ``KeyFileError/exists(path:)`` when there is a key of that name.
  public func create(_ name: String, _ key: Secret) throws(KeyFileError) {
    let path = try path(of: name)
    let draft = path + ".new"
    let lock = try openDirectory(directory)  // one draft at a time; closing it gives the lock back
    defer { close(lock) }
    guard flock(lock, LOCK_EX) == 0 else { throw .system(call: "flock", path: directory, code: errno) }
    // What a crash left behind was never under the key's name, so nobody was told about that key.
    guard unlink(draft) == 0 || errno == ENOENT else {
      throw .system(call: "unlink", path: draft, code: errno)
    }
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .system(call: "open", path: draft, code: errno) }
    defer {
      close(descriptor)
      unlink(draft)
    }
    guard fchmod(descriptor, 0o600) == 0 else { throw .system(call: "fchmod", path: draft, code: errno) }
    try write(key.exposedBytes, to: descriptor, path: draft)
    guard fsync(descriptor) == 0 else { throw .system(call: "fsync", path: draft, code: errno) }
    // link, unlike rename, fails when the name exists.
    guard link(draft, path) == 0 else {
      throw errno == EEXIST ? .exists(path: path) : .system(call: "link", path: path, code: errno)
    }
    try synchronize(directory)
  }

  /// Reads a key; nil when there is none of that name. Throws for a file that others may read, that another
  /// user owns, or that does not have `length` bytes.
  public func load(_ name: String, length: Int = 32) throws(KeyFileError) -> Secret? {
    let path = try path(of: name)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw .system(call: "open", path: path, code: errno)
    }
    defer { close(descriptor) }
    let size = try check(descriptor, path: path, remedyMode: "600")
    guard size == length else { throw .wrongLength(path: path, found: size, expected: length) }
    var bytes = [UInt8](repeating: 0, count: length)
    let count = pread(descriptor, &bytes, length, 0)
    guard count >= 0 else { throw .system(call: "read", path: path, code: errno) }
    guard count == length else { throw .wrongLength(path: path, found: count, expected: length) }
    return Secret(bytes)
  }

  /// The key of that name; a new one, on disk before it is returned, when there is none.
  public func loadOrCreate(_ name: String, _ generate: () throws -> Secret) throws -> Secret {
    if let key = try load(name) { return key }
    let key = try generate()
    try create(name, key)
    return key
  }

  /// The names of the files in the directory, sorted.
  func names() throws(KeyFileError) -> [String] {
    do throws(Errno) {
      return try DirectoryEntries.names(in: directory)
    } catch {
      throw .system(call: "readdir", path: directory, code: error.rawValue)
    }
  }

  /// All keys by name, whatever they are for; a draft that a crash has left is none.
  func all() throws(KeyFileError) -> [String: Secret] {
    var keys: [String: Secret] = [:]
    for name in try names() where !name.contains(".") { keys[name] = try load(name) }
    return keys
  }

  /// Removes a key for good; what the disk's own memory keeps of it is out of our reach.
  func remove(_ name: String) throws(KeyFileError) {
    let path = try path(of: name)
    guard unlink(path) == 0 else { throw .system(call: "unlink", path: path, code: errno) }
    try synchronize(directory)
  }

  /// Removes all keys and the directory; for a site that leaves its mesh for good.
  public func erase() throws(KeyFileError) {
    for name in try names() {
      let path = directory + "/" + name
      guard unlink(path) == 0 else { throw .system(call: "unlink", path: path, code: errno) }
    }
    guard rmdir(directory) == 0 else { throw .system(call: "rmdir", path: directory, code: errno) }
    try synchronize(parent(of: directory))
  }

  private func path(of name: String) throws(KeyFileError) -> String {
    let isPlain = name.utf8.allSatisfy { byte in
      (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2d
    }
    guard isPlain, (1...64).contains(name.utf8.count) else { throw .badName(name) }
    return directory + "/" + name
  }

  private func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Owner, mode and type of an open file or directory; returns its size.
  @discardableResult
  private func check(
    _ descriptor: Int32, path: String, remedyMode: String
  ) throws(KeyFileError) -> Int {
    var status = clinux_status()
    guard clinux_fstat(descriptor, &status) == 0 else {
      throw .system(call: "fstat", path: path, code: errno)
    }
    let expected = remedyMode == "700" ? S_IFDIR : S_IFREG
    guard status.mode & S_IFMT == expected else { throw .wrongType(path: path) }
    guard status.owner == geteuid() else { throw .foreignOwner(path: path, owner: status.owner) }
    guard status.mode & 0o077 == 0 else {
      throw .looseMode(path: path, mode: status.mode & 0o7777, remedy: remedyMode)
    }
    return Int(status.size)
  }

  private func openDirectory(_ path: String) throws(KeyFileError) -> Int32 {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(call: "open", path: path, code: errno) }
    return descriptor
  }

  private func synchronize(_ path: String) throws(KeyFileError) {
    let descriptor = try openDirectory(path)
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system(call: "fsync", path: path, code: errno) }
  }

  private func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(KeyFileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw .system(call: "write", path: path, code: errno)
      }
      rest = rest.dropFirst(count)
    }
  }
}
