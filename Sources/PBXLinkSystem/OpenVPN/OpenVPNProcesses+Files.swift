// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CLinux
internal import Glibc
internal import PBXLinkCore
internal import SystemPackage

/// The files of the processes: configurations, which hold keys, and management sockets.
extension OpenVPNProcesses {
  /// What a file that was written by us holds; nil when it is gone or does not match its name.
  func configuration(in file: String) -> OpenVPNProcessConfiguration? {
    guard let bytes = Self.read(file), file.hasSuffix("-\(Self.hash(bytes)).conf") else { return nil }
    return OpenVPNProcessConfiguration(file: bytes)
  }

  /// 16 hexadecimal digits of the SHA-256.
  static func hash(_ bytes: [UInt8]) -> String {
    String(Secret(OpenSSLCryptography().sha256(bytes)).exposedHex.prefix(16))
  }

  /// "pbxlink-2" of "pbxlink-2-0123456789abcdef.conf".
  static func interface(ofFile name: Substring) -> String? {
    guard name.hasSuffix(".conf"), let dash = name.lastIndex(of: "-") else { return nil }
    let interface = String(name[..<dash])
    return OpenVPNLink.isInterfaceName(interface) ? interface : nil
  }

  /// For us alone: openvpn lets anybody connect to its management socket who gets there.
  func makeDirectory() throws(OpenVPNError) {
    guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
      throw .system(call: "mkdir", path: directory, code: errno)
    }
    var status = clinux_status()
    guard clinux_stat(directory, &status) == 0 else {
      throw .system(call: "stat", path: directory, code: errno)
    }
    guard status.mode & S_IFMT == S_IFDIR, status.owner == geteuid(), status.mode & 0o077 == 0 else {
      throw .directory(
        directory, reason: "must be a directory of user \(geteuid()) with mode 700; move it away")
    }
    guard UnixSocket.address(socket(of: "pbxlink-1234567")) != nil else {
      throw .directory(directory, reason: "too long for the sockets in it (at most 85 bytes)")
    }
  }

  func write(_ text: Secret, to path: String) throws(OpenVPNError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system(call: "create", path: path, code: errno) }
    defer { close(descriptor) }
    do {
      try FileDescriptor(rawValue: descriptor).writeAll(text.exposedBytes)
    } catch {
      throw .system(call: "write", path: path, code: (error as? Errno)?.rawValue ?? EIO)
    }
  }

  func removeFiles(of interface: String) throws(OpenVPNError) {
    for name in try Self.names(in: directory)
    where name == "\(interface).sock" || Self.interface(ofFile: name[...]) == interface {
      let path = "\(directory)/\(name)"
      guard unlink(path) == 0 || errno == ENOENT else {
        throw .system(call: "unlink", path: path, code: errno)
      }
    }
  }

  /// The interfaces whose processes have left files.
  func interfacesWithFiles() throws(OpenVPNError) -> Set<String> {
    Set(
      try Self.names(in: directory).compactMap { name in
        let socket = name.hasSuffix(".sock") ? String(name.dropLast(".sock".count)) : ""
        return OpenVPNLink.isInterfaceName(socket) ? socket : Self.interface(ofFile: name[...])
      })
  }

  /// The entries of a directory; none when it is not there.
  static func names(in directory: String) throws(OpenVPNError) -> [String] {
    do throws(Errno) {
      return try DirectoryEntries.names(in: directory)
    } catch {
      guard error != .noSuchFileOrDirectory else { return [] }
      throw .system(call: "list", path: directory, code: error.rawValue)
    }
  }

  /// The first 64 KiB of a file; nil when it cannot be read.
  static func read(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while bytes.count < 64 << 10 {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      guard count >= 0 else { return nil }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return bytes
  }
}
