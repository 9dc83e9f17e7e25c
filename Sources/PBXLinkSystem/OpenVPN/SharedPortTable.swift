// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
internal import Glibc
internal import PBXLinkCore
internal import SystemPackage

/// The file that tells the process which peers there are: a mark, then a port (big-endian) and a key for each.
/// It is read anew for each connection, so that nobody has to be told of a change.
struct SharedPortTable {
  private static let mark = Array("pbxlink1".utf8)
  private static let keyLength = 256

  let path: String

  init(directory: String) { path = directory + "/shared-port.table" }

  /// The peers; none when there is no file.
  func read() throws(SharedPortError) -> [SharedPortPeer] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return [] }
      throw .system(call: "open", path: path, code: errno)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var count = 0
    repeat {
      let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, initialized in
        count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        initialized = max(0, count)
      }
      bytes += chunk
    } while count > 0 || (count < 0 && errno == EINTR)
    guard count == 0 else { throw .system(call: "read", path: path, code: errno) }
    let records = bytes.dropFirst(Self.mark.count)
    let length = 2 + Self.keyLength
    guard bytes.starts(with: Self.mark), records.count % length == 0 else { throw .damaged(path: path) }
    return stride(from: records.startIndex, to: records.endIndex, by: length).map { start in
      SharedPortPeer(
        controlKey: Secret(records[start + 2..<start + length]),
        port: UInt16(records[start]) << 8 | UInt16(records[start + 1]))
    }
  }

  /// Replaces the file as a whole; only its owner can read it.
  func write(_ peers: [SharedPortPeer]) throws(SharedPortError) {
    var bytes = Self.mark
    for peer in peers {
      let key = peer.controlKey.exposedBytes
      guard key.count == Self.keyLength else { throw .wrongKeyLength(port: peer.port, length: key.count) }
      bytes += [UInt8(peer.port >> 8), UInt8(truncatingIfNeeded: peer.port)] + key
    }
    let draft = path + ".new"
    guard unlink(draft) == 0 || errno == ENOENT else {
      throw .system(call: "unlink", path: draft, code: errno)
    }
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .system(call: "open", path: draft, code: errno) }
    defer { close(descriptor) }
    do {
      try FileDescriptor(rawValue: descriptor).writeAll(bytes)
    } catch {
      throw .system(call: "write", path: draft, code: (error as? Errno)?.rawValue ?? EIO)
    }
    guard rename(draft, path) == 0 else { throw .system(call: "rename", path: draft, code: errno) }
  }

  /// The peer whose key made a packet's HMAC; compared in constant time.
  static func sender(of packet: OpenVPNFirstPacket, among peers: [SharedPortPeer]) -> SharedPortPeer? {
    peers.first { peer in
      guard let key = OpenVPNFirstPacket.authenticationKey(in: peer.controlKey),
        let code = authenticationCode(of: packet.authenticated, key)
      else { return false }
      return code.count == packet.authenticationCode.count
        && CRYPTO_memcmp(code, packet.authenticationCode, code.count) == 0
    }
  }

  /// HMAC-SHA256.
  static func authenticationCode(of bytes: [UInt8], _ key: Secret) -> [UInt8]? {
    let key = key.exposedBytes
    var code = [UInt8](repeating: 0, count: 32)
    var length = 0
    let result = EVP_Q_mac(
      nil, "HMAC", nil, "SHA256", nil, key, key.count, bytes, bytes.count, &code, code.count, &length)
    return result != nil && length == code.count ? code : nil
  }
}
